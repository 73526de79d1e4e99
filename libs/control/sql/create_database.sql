-- Purpose:    the database of the embedded default, on each of its servers. Parameters: none.
CREATE DATABASE shop
