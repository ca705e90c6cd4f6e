//! The worker pool with real Python workers.

mod hostile;
mod life;
mod loading;
mod support;
mod walls;
