#![doc = include_str!("../README.md")]

mod answer;
mod app;
mod caller;
mod clock;
mod history;
mod issuer;

pub use answer::Answer;
pub use app::{COOKIE_NAME, HOST, TestApp};
pub use caller::{Request, TestCaller};
pub use clock::FakeClock;
pub use history::PastExecution;
pub use issuer::{Person, Program, TestIssuer};
