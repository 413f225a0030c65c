//! nginx behind a virtio card with mergeable receive buffers.

use pagetrace_tests::harness::{Wire, root_or_skip, skip};

use super::{
    gives_back_pages,
    nginx::{Nginx, Uploads},
    run, stuck,
};
use crate::doctor::clearly;

/// What is received, the card's driver takes the memory for, and nginx holds it.
#[test]
fn a_worker_of_nginx_behind_a_virtio_card() {
    let test = "a_worker_of_nginx_behind_a_virtio_card";
    let Some(_machine) = root_or_skip(test) else {
        return;
    };
    let Some(Wire { near, far }) = Wire::of_the_machine() else {
        skip(
            test,
            "needs two virtio cards with a wire, as `cargo xtask vm debian-6.1` has",
        );
        return;
    };
    let nginx = Nginx::start(&far);
    let uploads = Uploads::begin(&near, Wire::FAR, clearly(0));
    let told = stuck(&nginx, &uploads);
    let taken_by = told.held().1.taken_by.as_ref().expect("it was traced");
    assert_eq!(
        taken_by.module.as_deref(),
        Some("virtio_net"),
        "{taken_by:#?}"
    );

    // The master starts another worker.
    let kill = format!("kill -KILL {}", nginx.worker());
    let mut remedies = told.first().remedies.iter();
    assert!(remedies.any(|it| it.command == kill), "{:#?}", told.first());
    run(&kill);
    gives_back_pages(&told);
}
