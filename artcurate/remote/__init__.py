"""Files and folders at URLs: named safely, read in parts, by many processes at once."""
