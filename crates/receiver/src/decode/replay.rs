//! The seeds of `tests/fuzz`, as they are and damaged, through every decoder: what fuzzing does for minutes, for a moment.

use std::fs;
use std::path::Path;

use super::exercise;

const ROUNDS: usize = 200;
/// A folder of seeds, and what is done with them.
type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 6] = [
    ("pickle", exercise::pickle),
    ("json", exercise::json),
    ("message_pack", exercise::message_pack),
    ("stream", exercise::stream),
    ("datagram", exercise::datagram),
    ("round_trip", exercise::round_trip),
];

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/seeds").join(target);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// Numbers of chance that are the same each time (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }

    /// A few bytes changed, cut off, put in, doubled, or taken from another seed.
    fn damage(&mut self, seed: &[u8], other: &[u8]) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..=self.below(4) {
            let (at, byte) = (self.below(bytes.len()), self.below(256) as u8);
            match self.below(7) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, byte),
                2 => bytes.extend_from_slice(other.get(self.below(other.len())..).unwrap_or_default()),
                3 => drop(bytes.drain(at..(at + self.below(8)).min(bytes.len()))),
                4 => bytes.extend_from_within(at..),
                _ => bytes.iter_mut().skip(at).take(1).for_each(|old| *old = byte),
            }
        }
        bytes
    }
}

#[test]
fn every_seed_and_thousands_that_are_damaged_are_records_or_refused() {
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    for (target, exercise) in TARGETS {
        let seeds = seeds(target);
        assert!(seeds.len() >= 4, "the seeds of {target} were not found");
        for seed in &seeds {
            exercise(seed);
            for _ in 0..ROUNDS {
                let other = &seeds[chance.below(seeds.len())];
                exercise(&chance.damage(seed, other));
            }
        }
    }
}

#[test]
fn every_seed_of_a_decoder_is_a_record() {
    let decoder = super::tests::DECODER;
    for target in ["pickle", "json", "message_pack", "round_trip"] {
        for seed in seeds(target) {
            decoder.record(&seed).unwrap_or_else(|refused| panic!("a seed of {target}: {refused:?}"));
        }
    }
}
