//! `/proc/PID/fdinfo/N` of a GPU: the memory of one of its clients
//! (Documentation/gpu/drm-usage-stats.rst).

use std::collections::BTreeMap;

/// One client of a GPU. Descriptors that were duplicated are the same client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrmClient {
    /// Its driver.
    pub driver: String,
    /// The GPU's address on its bus, where it has one.
    pub device: Option<String>,
    /// The client's number, unique for the device.
    pub id: u64,
    /// Bytes in regions that are memory of the machine, as distinct from the GPU's own.
    pub system_bytes: u64,
}

/// Regions that are memory of the machine, by the names that drivers give them.
const SYSTEM: [&str; 5] = ["gtt", "cpu", "system", "system0", "memory"];

/// What tells of a region, best first: what is there, what the driver counts, what there can be.
const MEASURES: [&str; 3] = ["drm-resident-", "drm-memory-", "drm-total-"];

/// The client that this text is about; none if it is not about one.
pub fn client(fdinfo: &str) -> Option<DrmClient> {
    let lines = fdinfo.lines().filter_map(|line| line.split_once(':'));
    let values: BTreeMap<_, _> = lines.map(|(key, value)| (key, value.trim())).collect();
    let regions = SYSTEM
        .iter()
        .filter_map(|region| region_bytes(&values, region));
    Some(DrmClient {
        driver: (*values.get("drm-driver")?).to_owned(),
        device: values.get("drm-pdev").map(|&device| device.to_owned()),
        id: values.get("drm-client-id")?.parse().ok()?,
        system_bytes: regions.fold(0, u64::saturating_add),
    })
}

fn region_bytes(values: &BTreeMap<&str, &str>, region: &str) -> Option<u64> {
    let values = MEASURES
        .iter()
        .filter_map(|measure| values.get(format!("{measure}{region}").as_str()));
    values.copied().find_map(bytes)
}

/// `4711`, `4711 KiB` or `4711 MiB`.
fn bytes(value: &str) -> Option<u64> {
    let mut words = value.split_ascii_whitespace();
    let number: u64 = words.next()?.parse().ok()?;
    let unit = match words.next() {
        None => 1,
        Some("KiB") => 1 << 10,
        Some("MiB") => 1 << 20,
        Some("GiB") => 1 << 30,
        Some(_) => return None,
    };
    number.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AMDGPU: &str = "\
pos:\t0
flags:\t02100002
drm-driver:\tamdgpu
drm-client-id:\t12
drm-pdev:\t0000:03:00.0
pasid:\t32771
drm-total-cpu:\t0
drm-total-gtt:\t9 MiB
drm-resident-gtt:\t8 MiB
drm-memory-gtt:\t8192 KiB
drm-memory-cpu:\t4 KiB
drm-total-vram:\t100 MiB
drm-memory-vram:\t102400 KiB
";
    const PANFROST: &str = "\
drm-driver:\tpanfrost
drm-client-id:\t3
drm-total-memory:\t290 MiB
drm-shared-memory:\t0 MiB
drm-active-memory:\t226 MiB
drm-resident-memory:\t36496 KiB
drm-purgeable-memory:\t0 KiB
";

    #[test]
    fn only_memory_of_the_machine_counts() {
        let client = client(AMDGPU).expect("a client");
        // The measure that is best for each region.
        assert_eq!(client.system_bytes, (8 << 20) + (4 << 10));
        assert_eq!(client.device.as_deref(), Some("0000:03:00.0"));
        assert_eq!(client.id, 12);
    }

    #[test]
    fn a_gpu_without_own_memory_has_a_region_called_memory() {
        let client = client(PANFROST).expect("a client");
        assert_eq!(client.system_bytes, 36496 << 10);
        assert_eq!(client.device, None);
    }

    #[test]
    fn what_is_not_a_number_of_bytes_is_left_out() {
        let text = "drm-driver:\tx\ndrm-client-id:\t1\ndrm-memory-gtt:\t";
        for value in ["x", "1 TB", "99999999999999999 GiB", ""] {
            let client = client(&format!("{text}{value}\n")).expect("a client");
            assert_eq!(client.system_bytes, 0, "{value}");
        }
        assert_eq!(client("drm-driver:\tx\n"), None);
    }
}
