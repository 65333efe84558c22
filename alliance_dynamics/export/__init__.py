"""Models written as files of other tools: `write_vensim.write_vensim`, `write_xmile.write_xmile`."""
