"""One file for each subcommand: flags become a request, one operation is called, its report is shown.

Operations are imported inside the functions, so that --help loads neither them nor what they need.
"""
