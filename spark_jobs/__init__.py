"""One spark-submit application per stage; each reads its options and calls mmdin."""
