"""The report: figures and one page for people to read, made from the tables that evaluate writes.

report_data reads the tables. selections chooses and orders their rows. figures/ draws them;
html_tables, conclusions and wording say them in words; page puts all of it together.
"""
