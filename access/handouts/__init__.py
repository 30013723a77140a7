"""Reports that take a while or come by themselves: made by a worker, fetched by who asked, sent by e-mail."""
