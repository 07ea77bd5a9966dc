"""Tables in files: Excel workbooks, Parquet and Arrow, read row by row and written; they know nothing of lending."""
