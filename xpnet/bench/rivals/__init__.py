"""Other libraries as contestants, each written as its own users would write it well.

Every file imports its library at its top and is itself imported only by the process that plays it.
"""
