//! What a portal is, and the rules of its rows. Pure: no runtime, database or terminal in here.
