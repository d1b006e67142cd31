mod bed;
mod bodies;
mod patience;
