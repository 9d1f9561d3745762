//! Checkpoints: a folder with the weights, both moments, and a state that pins them and the run they belong to.
//!
//! A folder is written under a name that no reader looks for, synced, and renamed; so what has the final name is whole.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use serde::{Deserialize, Serialize};
use stillmark_evidence::Digest;
use stillmark_kernels::map::FileMap;
use stillmark_model::Config;

use super::layout::Layout;
use super::optimizer::Moments;
use super::record::Chain;
use super::student::Student;
use super::trainer::{Progress, Settings, Trainer};
use crate::Error;

/// Digests of what a run was made from, by name (`config`, `plan`, `data`, `teacher`, ...): a checkpoint belongs to a run
/// with the same ones alone.
pub type Bindings = BTreeMap<String, Digest>;

const WEIGHTS: &str = "weights.safetensors";
const MOMENTS: &str = "moments.safetensors";
const STATE: &str = "state.json";

/// The state file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    schema: String,
    step: u64,
    /// Bits of the recent losses.
    recent: Vec<u64>,
    chain: Chain,
    bindings: Bindings,
    weights: Digest,
    moments: Digest,
}

const SCHEMA: &str = "stillmark/checkpoint/v1";

/// A run's folder of checkpoints, and which of them stay.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    /// The folder.
    pub folder: PathBuf,
    /// How many of the newest are kept; 0 keeps all.
    pub keep: usize,
    /// Besides, every one whose step is a multiple of this is kept, for replay; 0 for none.
    pub keep_every: u64,
}

/// A checkpoint in memory.
#[derive(Debug)]
pub struct Checkpoint {
    student: Student,
    progress: Progress,
    chain: Chain,
    altered: Option<Difference>,
}

/// Something of a checkpoint that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// What it is.
    pub what: &'static str,
    /// As it was recorded.
    pub recorded: String,
    /// As it is.
    pub found: String,
}

impl Checkpoints {
    /// Writes the trainer's state whole or not at all, drops old checkpoints, and returns the new folder.
    pub fn save(&self, trainer: &Trainer, chain: &Chain, bindings: &Bindings) -> Result<PathBuf, Error> {
        let step = trainer.step_number();
        let target = self.path(step);
        let draft = self.folder.join(format!(".step-{step:08}.part"));
        if draft.exists() {
            fs::remove_dir_all(&draft).map_err(Error::io(&draft))?;
        }
        fs::create_dir_all(&draft).map_err(Error::io(&draft))?;
        let student = trainer.student();
        let named = student
            .layout()
            .slots()
            .iter()
            .map(|slot| (slot.name.clone(), slot.shape.clone(), &student.weights()[slot.range.clone()]));
        write_tensors(&draft.join(WEIGHTS), &named.collect::<Vec<_>>())?;
        let Progress { moments, recent } = trainer.progress();
        let named = [("first", &moments.first), ("second", &moments.second)]
            .map(|(name, moment)| (name.to_owned(), vec![moment.len()], &moment[..]));
        write_tensors(&draft.join(MOMENTS), &named)?;
        let state = State {
            schema: SCHEMA.into(),
            step,
            recent: recent.iter().map(|loss| loss.to_bits()).collect(),
            chain: *chain,
            bindings: bindings.clone(),
            weights: digest(&draft.join(WEIGHTS))?,
            moments: digest(&draft.join(MOMENTS))?,
        };
        let path = draft.join(STATE);
        let text = serde_json::to_vec_pretty(&state).map_err(|error| bad(&path, error.to_string()))?;
        let mut file = File::create(&path).map_err(Error::io(&path))?;
        file.write_all(&text).and_then(|()| file.sync_all()).map_err(Error::io(&path))?;
        sync_folder(&draft)?;
        if target.exists() {
            fs::remove_dir_all(&target).map_err(Error::io(&target))?;
        }
        fs::rename(&draft, &target).map_err(Error::io(&target))?;
        sync_folder(&self.folder)?;
        self.prune()?;
        Ok(target)
    }

    /// The folder of a step's checkpoint.
    pub fn path(&self, step: u64) -> PathBuf {
        self.folder.join(folder_name(step))
    }

    /// The steps that have a checkpoint, in order.
    pub fn steps(&self) -> Result<Vec<u64>, Error> {
        if !self.folder.exists() {
            return Ok(Vec::new());
        }
        let mut steps = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(Error::io(&self.folder))? {
            let name = entry.map_err(Error::io(&self.folder))?.file_name();
            steps.extend(name.to_str().and_then(|name| name.strip_prefix("step-")?.parse::<u64>().ok()));
        }
        steps.sort_unstable();
        Ok(steps)
    }

    fn prune(&self) -> Result<(), Error> {
        let steps = self.steps()?;
        let old = if self.keep == 0 { 0 } else { steps.len().saturating_sub(self.keep) };
        let stays = |step: u64| self.keep_every > 0 && step.is_multiple_of(self.keep_every);
        for &step in steps[..old].iter().filter(|&&step| !stays(step)) {
            // A kill in the midst of removing must not leave half a checkpoint under a name that is looked for.
            let (path, doomed) = (self.path(step), self.folder.join(format!(".step-{step:08}.old")));
            if doomed.exists() {
                fs::remove_dir_all(&doomed).map_err(Error::io(&doomed))?;
            }
            fs::rename(&path, &doomed).map_err(Error::io(&path))?;
            fs::remove_dir_all(&doomed).map_err(Error::io(&doomed))?;
        }
        Ok(())
    }
}

impl Checkpoint {
    /// Where a run stands before its first step.
    pub fn beginning(student: Student, bindings: &Bindings) -> Self {
        let moments = Moments::new(student.layout().len());
        let progress = Progress { moments, recent: Vec::new() };
        Self { student, progress, chain: Chain::new(bindings), altered: None }
    }

    /// Reads a checkpoint, refusing altered files and another run's bindings.
    pub fn load(folder: &Path, config: &Config, bindings: &Bindings) -> Result<Self, Error> {
        let state = read_state(folder)?;
        for (name, expected) in bindings {
            match state.bindings.get(name) {
                Some(found) if found == expected => {}
                Some(found) => {
                    return Err(bad(folder, format!("`{name}` was {found}, and is {expected}")));
                }
                None => return Err(bad(folder, format!("does not say which `{name}` it was made with"))),
            }
        }
        for (file, expected) in [(WEIGHTS, state.weights), (MOMENTS, state.moments)] {
            let path = folder.join(file);
            let found = digest(&path)?;
            if found != expected {
                return Err(bad(&path, format!("its digest is {found}, the state says {expected}")));
            }
        }
        Self::read(folder, config, state)
    }

    /// Reads a checkpoint as it is, whatever its files' digests are: for replay, which shows what an alteration did.
    pub fn load_unpinned(folder: &Path, config: &Config) -> Result<Self, Error> {
        let state = read_state(folder)?;
        let mut altered = None;
        for (file, what, expected) in [
            (WEIGHTS, "the weights of the checkpoint before it", state.weights),
            (MOMENTS, "the moments of the checkpoint before it", state.moments),
        ] {
            let found = digest(&folder.join(file))?;
            if altered.is_none() && found != expected {
                let (recorded, found) = (expected.to_string(), found.to_string());
                altered = Some(Difference { what, recorded, found });
            }
        }
        Ok(Self { altered, ..Self::read(folder, config, state)? })
    }

    fn read(folder: &Path, config: &Config, state: State) -> Result<Self, Error> {
        let layout = Layout::new(config);
        let mut weights = vec![0.0; layout.len()];
        let named =
            layout.slots().iter().map(|slot| (slot.name.clone(), slot.range.clone())).collect::<Vec<_>>();
        read_tensors(&folder.join(WEIGHTS), &named, &mut weights)?;
        let mut moments = Moments::new(layout.len());
        moments.step = state.step;
        let path = folder.join(MOMENTS);
        read_tensors(&path, &[("first".into(), 0..layout.len())], &mut moments.first)?;
        read_tensors(&path, &[("second".into(), 0..layout.len())], &mut moments.second)?;
        let recent = state.recent.into_iter().map(f64::from_bits).collect();
        let student = Student::from_weights(config.clone(), weights)?;
        Ok(Self { student, progress: Progress { moments, recent }, chain: state.chain, altered: None })
    }

    /// How its files differ from what its own state says of them.
    pub(super) fn altered(&self) -> Option<Difference> {
        self.altered.clone()
    }

    /// The first number in which it differs from a trainer that should be where it was written.
    pub(super) fn difference(&self, trainer: &Trainer, chain: &Chain) -> Option<Difference> {
        let (saved, made) = (&self.progress.moments, &trainer.progress().moments);
        let parts: [(&'static str, &[f32], &[f32]); 3] = [
            ("a weight of its checkpoint", self.student.weights(), trainer.student().weights()),
            ("a first moment of its checkpoint", &saved.first, &made.first),
            ("a second moment of its checkpoint", &saved.second, &made.second),
        ];
        let of_numbers = parts.into_iter().find_map(|(what, saved, made)| {
            let differs = |(_, (saved, made)): &(usize, (&f32, &f32))| saved.to_bits() != made.to_bits();
            let (place, (saved, made)) = saved.iter().zip(made).enumerate().find(differs)?;
            let words = |number: &f32| format!("{:08x} at {place}", number.to_bits());
            Some(Difference { what, recorded: words(saved), found: words(made) })
        });
        of_numbers.or_else(|| {
            let (recorded, found) = (self.chain.digest().to_string(), chain.digest().to_string());
            (recorded != found).then_some(Difference { what: "the chain of its checkpoint", recorded, found })
        })
    }

    /// The student as it was.
    pub fn student(&self) -> &Student {
        &self.student
    }

    /// Goes on where the checkpoint was written.
    pub fn into_trainer(self, settings: Settings) -> Result<(Trainer, Chain), Error> {
        Ok((Trainer::new(self.student, settings)?.with_progress(self.progress), self.chain))
    }
}

fn bad(path: &Path, detail: String) -> Error {
    Error::Checkpoint { path: path.to_owned(), detail }
}

fn folder_name(step: u64) -> String {
    format!("step-{step:08}")
}

fn read_state(folder: &Path) -> Result<State, Error> {
    let path = folder.join(STATE);
    let text = fs::read(&path).map_err(Error::io(&path))?;
    let state: State = serde_json::from_slice(&text).map_err(|error| bad(&path, error.to_string()))?;
    if state.schema != SCHEMA {
        return Err(bad(&path, format!("schema `{}` is not `{SCHEMA}`", state.schema)));
    }
    if folder.file_name() != Some(folder_name(state.step).as_ref()) {
        return Err(bad(&path, format!("is of step {}, not of the step that its folder names", state.step)));
    }
    Ok(state)
}

fn digest(path: &Path) -> Result<Digest, Error> {
    Digest::of_file(path).map_err(|error| bad(path, error.to_string()))
}

fn sync_folder(path: &Path) -> Result<(), Error> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(Error::io(path))
}

type Named<'a> = (String, Vec<usize>, &'a [f32]);

/// Writes a safetensors file piece by piece: a copy of all weights would double the memory.
fn write_tensors(path: &Path, tensors: &[Named<'_>]) -> Result<(), Error> {
    let mut header = serde_json::Map::new();
    let mut end = 0;
    for (name, shape, data) in tensors {
        let start = end;
        end += data.len() * 4;
        let entry = serde_json::json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, end] });
        header.insert(name.clone(), entry);
    }
    let mut header = serde_json::Value::Object(header).to_string();
    header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));
    let write = || -> std::io::Result<()> {
        let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(header.as_bytes())?;
        for (_, _, data) in tensors {
            for x in *data {
                out.write_all(&x.to_le_bytes())?;
            }
        }
        out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()
    };
    write().map_err(Error::io(path))
}

/// Reads tensors into their places of a flat vector.
fn read_tensors(
    path: &Path,
    named: &[(String, std::ops::Range<usize>)],
    into: &mut [f32],
) -> Result<(), Error> {
    let map = FileMap::open(path).map_err(Error::io(path))?;
    let tensors = SafeTensors::deserialize(&map).map_err(|error| bad(path, error.to_string()))?;
    for (name, range) in named {
        let view = tensors.tensor(name).map_err(|error| bad(path, error.to_string()))?;
        if view.data().len() != range.len() * 4 || view.dtype() != safetensors::Dtype::F32 {
            return Err(bad(path, format!("`{name}` is not {} f32", range.len())));
        }
        for (to, from) in into[range.clone()].iter_mut().zip(view.data().chunks_exact(4)) {
            *to = f32::from_le_bytes([from[0], from[1], from[2], from[3]]);
        }
    }
    Ok(())
}
