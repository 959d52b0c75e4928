-- An entry's link is looked up by its place in the feed.
CREATE UNIQUE INDEX commit_told_base ON commit_told (base);
