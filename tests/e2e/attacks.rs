//! What an attacker tries, and what must come of it; what belongs to one route alone stands with that route.

mod accounts;
mod load;
mod taking_over;
mod tokens;
mod wire;
