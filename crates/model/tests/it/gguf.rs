//! GGUF files: whole ones, and ones that lie.

use std::path::Path;

use stillmark_model::gguf::{Gguf, GgufFile};
use stillmark_model::{Config, Family, RopeScaling, TensorSource};

use crate::checkpoint_files::default_model;

/// A file being put together by hand.
#[derive(Default)]
struct File {
    values: Vec<Vec<u8>>,
    tensors: Vec<Vec<u8>>,
    data: Vec<u8>,
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
}

impl File {
    fn value(mut self, key: &str, code: u32, bytes: &[u8]) -> Self {
        self.values.push([&text(key)[..], &code.to_le_bytes(), bytes].concat());
        self
    }

    fn tensor(mut self, name: &str, dims: &[u64], code: u32, offset: u64) -> Self {
        let dims_bytes: Vec<u8> = dims.iter().flat_map(|length| length.to_le_bytes()).collect();
        let head = [&text(name)[..], &(dims.len() as u32).to_le_bytes(), &dims_bytes].concat();
        self.tensors.push([&head[..], &code.to_le_bytes(), &offset.to_le_bytes()].concat());
        self
    }

    fn data(mut self, length: usize) -> Self {
        self.data = vec![0; length];
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let counts =
            [(self.tensors.len() as u64).to_le_bytes(), (self.values.len() as u64).to_le_bytes()].concat();
        let mut bytes =
            [&b"GGUF\x03\0\0\0"[..], &counts, &self.values.concat(), &self.tensors.concat()].concat();
        bytes.resize(bytes.len().next_multiple_of(32), 0);
        bytes.extend(&self.data);
        bytes
    }
}

fn parse(bytes: &[u8]) -> Result<Gguf, String> {
    Gguf::parse(bytes, Path::new("m.gguf")).map_err(|error| error.to_string())
}

#[test]
fn a_small_file_is_read() {
    let file = File::default()
        .value("a", 4, &7u32.to_le_bytes())
        .value("b", 9, &[&8u32.to_le_bytes()[..], &2u64.to_le_bytes(), &text("x"), &text("é")].concat())
        .value("c", 6, &0.5f32.to_le_bytes())
        .tensor("w", &[32, 2], 8, 0)
        .tensor("v", &[3], 0, 96)
        .data(108);
    let gguf = parse(&file.bytes()).unwrap();
    assert_eq!(gguf.metadata["a"].as_u64(), Some(7));
    assert_eq!(gguf.metadata["b"].as_texts(), Some(&["x".to_owned(), "é".to_owned()][..]));
    assert_eq!(gguf.metadata["c"].as_f64(), Some(0.5));
    assert_eq!((gguf.tensors["w"].shape.clone(), gguf.tensors["w"].bytes.len()), (vec![2, 32], 68));
    assert_eq!((gguf.tensors["v"].shape.clone(), gguf.tensors["v"].bytes.len()), (vec![3], 12));
}

#[test]
fn lies_are_told() {
    let scalar = |code: u32, bytes: &[u8]| File::default().value("k", code, bytes).bytes();
    let tensor =
        |dims: &[u64], code, offset| File::default().tensor("t", dims, code, offset).data(64).bytes();
    let header = |version: u32, n_tensors: u64, n_values: u64| {
        [&b"GGUF"[..], &version.to_le_bytes(), &n_tensors.to_le_bytes(), &n_values.to_le_bytes()].concat()
    };
    let list = |code: u32, count: u64| [code.to_le_bytes().to_vec(), count.to_le_bytes().to_vec()].concat();
    let alignment = |n: u32| scalar_named("general.alignment", n);
    let cases = [
        (b"GGML".to_vec(), "does not begin with `GGUF`"),
        (b"GG".to_vec(), "ends at byte 2"),
        (header(1, 0, 0), "is GGUF version 1"),
        (header(3 << 24, 0, 0), "big-endian"),
        (header(4, 0, 0), "is GGUF version 4"),
        (header(3, u64::MAX, 0), "claims 18446744073709551615 tensors"),
        (header(3, 0, 1 << 60), "claims 1152921504606846976 metadata values"),
        (scalar(13, &[0; 8]), "metadata `k`: has the unknown type 13"),
        (scalar(7, &[2]), "metadata `k`: 2 is neither true nor false"),
        (scalar(8, &u64::MAX.to_le_bytes()), "metadata `k`: string at byte"),
        (scalar(8, &[&1u64.to_le_bytes()[..], &[0xff]].concat()), "is not UTF-8"),
        (scalar(9, &list(8, 1 << 40)), "claims 1099511627776 strings"),
        (scalar(9, &list(4, 1 << 40)), "claims 1099511627776 list elements"),
        (scalar(9, &list(9, 1)), "is a list of the unsupported type 9"),
        (File::default().value("k", 0, &[1]).value("k", 0, &[1]).bytes(), "metadata `k` occurs twice"),
        (alignment(0), "it must be a power of two"),
        (alignment(24), "it must be a power of two"),
        (tensor(&[], 0, 0), "has 0 dimensions"),
        (tensor(&[1; 5], 0, 0), "has 5 dimensions"),
        (tensor(&[1 << 33, 1 << 33], 0, 0), "is too large"),
        (tensor(&[1 << 62], 0, 0), "is too large"),
        (tensor(&[4], 99, 0), "has the unsupported type number 99"),
        (tensor(&[256], 10, 0), "has the unsupported type `Q2_K`"),
        (tensor(&[33], 8, 0), "rows of 33 do not divide into blocks of 32"),
        (tensor(&[4], 0, 8), "its offset 8 is no multiple of 32"),
        (tensor(&[17], 0, 0), "reach beyond the file's end"),
        (tensor(&[4], 0, u64::MAX - 31), "reach beyond the file's end"),
        (
            File::default().tensor("t", &[4], 0, 0).tensor("t", &[4], 0, 32).data(64).bytes(),
            "tensor `t` occurs twice",
        ),
        (
            File::default().tensor("t", &[9], 0, 0).tensor("u", &[4], 0, 32).data(64).bytes(),
            "overlaps another tensor",
        ),
    ];
    for (bytes, expected) in cases {
        let error = parse(&bytes).expect_err(expected);
        assert!(error.starts_with("`m.gguf`: ") && error.contains(expected), "{expected}: {error}");
    }
}

fn scalar_named(key: &str, value: u32) -> Vec<u8> {
    File::default().value(key, 4, &value.to_le_bytes()).bytes()
}

#[test]
fn no_cut_of_a_file_is_accepted() {
    let file =
        File::default().value("a", 4, &7u32.to_le_bytes()).tensor("w", &[32, 2], 8, 0).data(68).bytes();
    assert!(parse(&file).is_ok());
    for length in 0..file.len() {
        assert!(parse(&file[..length]).is_err(), "cut to {length}");
    }
}

#[test]
fn the_default_model_opens() {
    let Some(path) = default_model() else { return };
    let file = GgufFile::open(&path).unwrap();
    let config = file.config();
    assert_eq!((config.family, config.layers, config.hidden_size, config.heads), (Family::Llama, 30, 576, 9));
    assert_eq!(
        (config.kv_heads, config.head_dim, config.intermediate_size, config.vocab_size),
        (3, 64, 1536, 49_152)
    );
    assert_eq!((config.rope.theta, &config.rope.scaling), (100_000.0, &RopeScaling::None));
    assert_eq!((config.rms_norm_eps, config.max_positions, config.tied_embeddings), (1e-5, 8192, true));
    assert_eq!((config.bos, config.eos.as_slice()), (Some(1), &[2][..]));
    let values = file.tensor("model.layers.29.self_attn.q_proj.weight").unwrap();
    assert_eq!(values.len(), 576 * 576);
    assert_eq!(file.shape("lm_head.weight"), None);
    let reread = Config::from_json(Path::new("c"), &config.to_json().to_string()).unwrap();
    assert_eq!(&reread, config);
}
