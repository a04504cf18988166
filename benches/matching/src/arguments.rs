//! Command-line arguments.

use std::path::PathBuf;

use crate::workload::Workload;

const USAGE: &str = "\
usage: matching [--quick] [--workload sparse|dense|realistic] [--max RULES] [--engines a,b] [--svg FILE] [--write DIRECTORY]
                [--conversations FILE]

--quick      up to 1,000 rules and few tickets: whether all engines agree, rather than what they cost
--workload   only this one
--max        not more rules than these
--engines    only these, and `limit`
--svg        draws cost against number of rules there; of several workloads, beside each other in files of their own
--write      writes the rules there as Twite's files, for other tools, and ends
--conversations  decides on X's payloads, one a line, by both ways of Twite, which must agree, and ends";

/// Command-line arguments.
#[derive(Debug)]
pub struct Arguments {
    pub quick: bool,
    pub workloads: Vec<Workload>,
    pub max: usize,
    /// Empty: all engines.
    pub engines: Vec<String>,
    pub svg: Option<PathBuf>,
    pub write: Option<PathBuf>,
    pub conversations: Option<PathBuf>,
}

impl Arguments {
    /// Parses the arguments; an error includes the usage.
    pub fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut read = Self {
            quick: false,
            workloads: Workload::ALL.to_vec(),
            max: 100_000,
            engines: vec![],
            svg: None,
            write: None,
            conversations: None,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value\n\n{USAGE}"));
            match argument.as_str() {
                "--quick" => read.quick = true,
                "--workload" => read.workloads = vec![workload(&value()?)?],
                "--max" => {
                    let max = value()?.replace('_', "");
                    read.max = max.parse().map_err(|_| format!("{max} is no number\n\n{USAGE}"))?;
                    if read.max < 10 {
                        return Err("nothing is measured with fewer than 10 rules".to_owned());
                    }
                }
                "--engines" => read.engines = value()?.split(',').map(str::to_owned).collect(),
                "--svg" => read.svg = Some(value()?.into()),
                "--conversations" => read.conversations = Some(value()?.into()),
                "--write" => read.write = Some(value()?.into()),
                _ => return Err(format!("{argument}: unknown\n\n{USAGE}")),
            }
        }
        if read.quick {
            read.max = read.max.min(1_000);
        }
        Ok(read)
    }
}

fn workload(name: &str) -> Result<Workload, String> {
    let found = Workload::ALL.into_iter().find(|workload| workload.name() == name);
    found.ok_or_else(|| format!("{name} is no workload\n\n{USAGE}"))
}
