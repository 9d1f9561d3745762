//! `HumanEval`: what is run, and pass@k.

use stillmark_benchmark::humaneval::{pass_at_k, problems, samples};

mod logged;

#[test]
fn pass_at_k_is_the_share_of_draws_that_hold_one_that_passes() {
    // Against the definition: draws of k from n without replacement, of which c pass.
    let choose = |n: u64, k: u64| (0..k).fold(1.0, |ways, i| ways * (n - i) as f64 / (i + 1) as f64);
    for n in 1..=12 {
        for c in 0..=n {
            for k in 1..=n {
                let misses = if n - c < k { 0.0 } else { choose(n - c, k) / choose(n, k) };
                assert!((pass_at_k(n, c, k).unwrap() - (1.0 - misses)).abs() < 1e-12, "{n} {c} {k}");
            }
        }
    }
    assert_eq!((pass_at_k(3, 1, 4), pass_at_k(3, 4, 1), pass_at_k(3, 1, 0)), (None, None, None));
}

#[test]
fn what_cannot_be_read_is_said_with_its_line() {
    let one = r#"{"task_id":"H/0","prompt":"def f():\n","entry_point":"f","test":"def check(c):\n    assert c() == 1\n","canonical_solution":"x"}"#;
    let all = problems(one.as_bytes()).unwrap();
    let program = all["H/0"].program("    return 1\n", "beef");
    assert!(
        program.starts_with("def f():\n    return 1\n")
            && program.contains("check(f)")
            && program.contains("beef")
    );
    assert!(problems(format!("{one}\n{one}").as_bytes()).unwrap_err().to_string().contains("line 2"));
    assert!(problems(b"{}").unwrap_err().to_string().contains("line 1"));
    let stray = samples(br#"{"task_id":"H/9","completion":""}"#, &all).unwrap_err().to_string();
    assert!(stray.contains("H/9"), "{stray}");
    assert_eq!(
        samples(b"{\"task_id\":\"H/0\",\"completion\":\"\",\"passed\":true}\n", &all).unwrap().len(),
        1
    );
}
