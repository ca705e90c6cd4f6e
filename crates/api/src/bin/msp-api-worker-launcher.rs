//! `msp __worker` for this package's own tests, which cannot use the server's binary.

fn main() {
    let arguments: Vec<String> = std::env::args().skip(2).collect();
    eprintln!("{}", msp_engine::workers::worker_main(&arguments));
    std::process::exit(1);
}
