"""Tables and the functions that read and write them.

    migrations.upgrade(url) / check(url)          tables of the newest version
    Database(url)                                 one server a SQLite file, any number on PostgreSQL
        .append()    -> UnitOfWork                one transaction that writes; .commit() or it is rolled back
        .snapshot()  -> UnitOfWork                one state of the database, read only
    open_register(file, url, origin) -> Register  what was signed last, kept outside of the database
    head leaves records live inquiries quotas proposals         one module a table group; a UnitOfWork first

For ``fsck``: ``leaves.leaves``, ``leaves.tiles``, ``leaves.act_leaves``, ``records.records``, ``live.live_rows``,
``inquiries.leaves`` and ``head.read``, all on one ``snapshot``. Failures are ``errors.StorageError`` and no other.
"""
