"""The documentation site: the texts of this tree as pages, and references that are generated from the code.

``make docs`` builds it with MkDocs, without a reference to another host.
"""
