//! What the server holds while it works, and whether that grows.

use std::{collections::BTreeMap, fs};

/// What may be added between the third and the last quarter of a long run: the memory allocator and SQLite's caches
/// settle slowly and by steps; a leak of a hundred bytes per run would be over it.
const MORE_MEMORY_MIB: f64 = 8.0;
/// Connections of callers come and go.
const MORE_DESCRIPTORS: f64 = 24.0;
/// Threads for blocking work come and go, a worker's reaping among it.
const MORE_THREADS: f64 = 8.0;

/// One look at the server and its workers.
#[derive(Debug, Clone, Copy)]
struct Sample {
    memory_mib: f64,
    descriptors: f64,
    threads: f64,
}

/// All looks of one life of a server.
#[derive(Default)]
pub struct Figures {
    samples: Vec<Sample>,
    /// Worker processes, and how often each was seen.
    workers: BTreeMap<u32, usize>,
    largest_worker_mib: f64,
    most_workers: usize,
    /// Workers that were killed.
    pub killed: u64,
    /// Times the workspace was saved.
    pub saved: u64,
}

impl Figures {
    /// Looks at a server.
    pub fn look(&mut self, server: u32) {
        let Some(memory_mib) = status(server, "VmRSS:").map(|kib| kib / 1024.0) else { return };
        let descriptors = fs::read_dir(format!("/proc/{server}/fd")).map_or(0, Iterator::count);
        let threads = status(server, "Threads:").unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "descriptors are few")]
        self.samples.push(Sample { memory_mib, descriptors: descriptors as f64, threads });
        let workers = children(server);
        self.most_workers = self.most_workers.max(workers.len());
        for worker in workers {
            *self.workers.entry(worker).or_default() += 1;
            let mib = status(worker, "VmRSS:").map_or(0.0, |kib| kib / 1024.0);
            self.largest_worker_mib = self.largest_worker_mib.max(mib);
        }
    }

    /// Workers a server has now that were seen at least this often.
    pub fn workers_seen(&self, often: usize, server: u32) -> Vec<u32> {
        let seen = |worker: &u32| self.workers.get(worker).is_some_and(|seen| *seen >= often);
        children(server).into_iter().filter(seen).collect()
    }

    /// Prints what was seen, and fails when something kept growing; memory only once it has settled.
    pub fn conclude(&self, seed: u64, settled: bool) {
        let more_memory = if settled { MORE_MEMORY_MIB } else { f64::INFINITY };
        let quarter = |number: usize| {
            let length = self.samples.len() / 4;
            &self.samples[number * length..(number + 1) * length]
        };
        for (what, of, most) in [
            ("memory of the server, MiB", (|sample| sample.memory_mib) as fn(&Sample) -> f64, more_memory),
            ("descriptors", |sample| sample.descriptors, MORE_DESCRIPTORS),
            ("threads", |sample| sample.threads, MORE_THREADS),
        ] {
            let means: Vec<f64> = (0..4).map(|number| mean(quarter(number), of)).collect();
            let more = means[3] - means[2];
            println!(
                "{what}: {:.1}, {:.1}, {:.1}, {:.1} in its four quarters; {more:+.1}, at most {most:+.1} is accepted",
                means[0], means[1], means[2], means[3]
            );
            assert!(more <= most, "seed {seed}: {what} grew by {more:.1}");
        }
        println!(
            "workers: {} processes in all, {} at once, the largest {:.1} MiB; {} were killed, {} times the workspace was saved",
            self.workers.len(),
            self.most_workers,
            self.largest_worker_mib,
            self.killed,
            self.saved
        );
    }
}

/// Child processes of a server: its workers.
fn children(server: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{server}/task")).into_iter().flatten().filter_map(Result::ok);
    let listed = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    listed.flat_map(|pids| pids.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<u32>>()).collect()
}

#[expect(clippy::cast_precision_loss, reason = "samples are few")]
fn mean(samples: &[Sample], of: impl Fn(&Sample) -> f64) -> f64 {
    samples.iter().map(of).sum::<f64>() / samples.len().max(1) as f64
}

fn status(pid: u32, field: &str) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}
