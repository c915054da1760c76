//! Attacks, and the answer that each must get. Attacks on a single route are tested with that route.

mod accounts;
mod load;
mod taking_over;
mod tokens;
mod wire;
