"""What turns a text into labelled statements: quotes, speakers, stance, sentiment. Knows no HTTP and no CSV."""
