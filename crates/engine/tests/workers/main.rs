//! The worker pool with real Python workers.

mod hostile;
mod life;
mod loading;
mod reloading;
mod sharing;
mod support;
mod walls;
