mod bounds;
mod loading;
mod model;
mod races;
mod rules;
mod support;
mod trusting;
mod truth;
