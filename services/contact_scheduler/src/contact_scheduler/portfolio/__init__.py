"""The portfolio file: columns, reading, checks, and what is derived from a row. Pure: no database, no clock.

    records = CsvReader() | NdjsonReader()         bytes in, records with their line numbers out         reading.py
    checker = RowChecker(tenant_id, header, today)  records in, good rows and faults out                  check.py
    atlas   = load_atlas()                          where a postal code or an area code can be            places.py
    rows    = derive_*(row, atlas)                  database rows with their wire bytes                   derive.py

No fault ever repeats a value of the file: it names line, field and how to mend it.
"""
