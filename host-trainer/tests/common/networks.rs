//! Networks to quantize.

use host_trainer::classes::Classes;
use host_trainer::formats::decode_safetensors;
use host_trainer::network::{Initialization, Network, Parameters};
use lenet_core::Pool;
use lenet_core::Pools;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The committed float network.
pub(crate) fn trained() -> Network {
    decode_safetensors(include_bytes!("../../../data/digits-10k/digits-10k.safetensors")).unwrap().network
}

/// A network before training.
pub(crate) fn untrained(seed: u64) -> Network {
    untrained_with(10, seed)
}

/// A network with this many classes before training.
pub(crate) fn untrained_with(classes: usize, seed: u64) -> Network {
    let parameters = Parameters::init(Initialization::He, classes, &mut ChaCha8Rng::seed_from_u64(seed));
    Network {
        parameters,
        pools: Pools::default(),
        classes: Classes::numbered(classes).unwrap(),
        none_of_these: None,
        preparation: Default::default(),
    }
}

/// Every pair of pools.
pub(crate) fn pool_kinds() -> impl Iterator<Item = Pools> {
    let kinds = [Pool::Average, Pool::Maximum];
    kinds.into_iter().flat_map(move |pool1| kinds.map(|pool2| Pools { pool1, pool2 }))
}
