//! The program `doorbook`.

fn main() {}
