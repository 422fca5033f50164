"""Raw corpora in, finished datasets out: what each corpus is, fetching, licences, publishing."""
