//! `msp`: the MSP Automation Platform in one program.

mod arenas;
mod cli;
mod client;
mod clock;
mod commands;
mod failure;
mod http_server;
mod logging;
mod platform;
mod process;
mod running;
mod sealing;
mod serving;
mod settings;

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect();
    // Before any thread exists: the walls around a worker are raised for the whole process, and then it becomes Python.
    if arguments.get(1).is_some_and(|command| command == "__worker") {
        eprintln!("{}", msp_engine::workers::worker_main(&arguments[2..]));
        return ExitCode::FAILURE;
    }
    arenas::bound(env::args_os());
    commands::main()
}
