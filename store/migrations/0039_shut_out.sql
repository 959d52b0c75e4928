-- Since when somebody may not sign in any more: their orders are nobody's from then on, not from when those began.
ALTER TABLE account ADD COLUMN shut_out_at timestamptz;
