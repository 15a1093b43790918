use super::*;
use crate::model::antimony;
use crate::study::embedded;

fn read(text: &str) -> Diagram {
    Diagram::of(&antimony::read(text, "test.ant").unwrap()).unwrap()
}

fn minimal() -> Diagram {
    read(embedded::model("crosstalk-minimal").unwrap().text)
}

impl Diagram {
    fn node(&self, name: &str) -> usize {
        self.nodes.iter().position(|node| node.name == name).unwrap_or_else(|| panic!("no {name}"))
    }

    fn names(&self, nodes: &[usize]) -> Vec<&str> {
        nodes.iter().map(|&node| self.nodes[node].name.as_str()).collect()
    }

    /// What the process of that name uses and makes.
    fn sides(&self, name: &str) -> (Vec<&str>, Vec<&str>) {
        let process = self.processes.iter().find(|process| process.name == name).unwrap_or_else(|| panic!("no {name}"));
        (self.names(&process.from), self.names(&process.to))
    }

    /// The sign of what `from` does to the process or box `on`.
    fn sign(&self, from: &str, on: &str) -> Option<Sign> {
        let process = self.processes.iter().position(|process| process.name == on).map(Target::Process);
        let on = process.unwrap_or_else(|| Target::Node(self.node(on)));
        let from = self.node(from);
        self.influences.iter().find(|i| i.from == from && i.on == on).map(|influence| influence.sign)
    }

    fn section(&self, name: &str) -> &str {
        &self.sections[self.nodes[self.node(name)].section]
    }
}

#[test]
fn terms_that_two_rate_rules_share_are_conversions() {
    let diagram = minimal();
    assert_eq!(diagram.sides("iron_storage"), (vec!["labile_iron"], vec!["ferritin_iron"]));
    assert_eq!(diagram.sides("iron_release"), (vec!["ferritin_iron"], vec!["labile_iron"]));
    assert_eq!(diagram.sides("iron_import"), (vec![], vec!["labile_iron"]));
    assert_eq!(diagram.sides("aggregation"), (vec!["lipoylated"], vec!["aggregates"]));
    // Both lose by it, one of them a share.
    assert_eq!(diagram.sides("peroxide_reduction"), (vec!["GSH", "PLOOH"], vec![]));
    // Neither `hazard * live` nor `k_lysis * committed` has a name.
    let unnamed: Vec<_> = diagram.processes.iter().filter(|process| process.name.is_empty()).collect();
    let ends = |at: usize| (diagram.names(&unnamed[at].from), diagram.names(&unnamed[at].to));
    assert_eq!(ends(0), (vec!["live"], vec!["committed"]));
    assert_eq!(ends(1), (vec!["committed"], vec!["dead"]));
    assert_eq!(unnamed.len(), 2);
}

#[test]
fn signs_are_those_that_are_known() {
    let diagram = minimal();
    for (from, on, sign) in [
        ("FAC", "iron_import", Sign::Raises),
        ("erastin", "GSH_synthesis", Sign::Lowers),
        ("BSO", "GSH_synthesis", Sign::Lowers),
        ("xCT", "GSH_synthesis", Sign::Raises),
        ("DFO", "active_iron", Sign::Lowers),
        ("labile_iron", "active_iron", Sign::Raises),
        ("GPX4i", "GPX4", Sign::Lowers),
        ("GPX4", "peroxide_reduction", Sign::Raises),
        ("Fer1", "peroxyl", Sign::Lowers),
        ("trap", "peroxyl", Sign::Lowers),
        ("peroxyl", "trap", Sign::Lowers),
        ("FSP1", "trap", Sign::Raises),
        ("ACSL4", "peroxide_formation", Sign::Raises),
        ("TTM", "Cu_total", Sign::Lowers),
        ("CuCl2", "Cu_total", Sign::Raises),
        ("GSH", "labile_copper", Sign::Lowers),
        ("CTR1", "copper_import", Sign::Raises),
        ("ATP7", "copper_export", Sign::Raises),
        ("FDX1", "ionophore_import", Sign::Raises),
        ("Cu_matrix", "FeS", Sign::Lowers),
        ("hazard", "live", Sign::Lowers),
        ("PLOOH", "hazard", Sign::Raises),
    ] {
        assert_eq!(diagram.sign(from, on), Some(sign), "{from} on {on}");
    }
    // That a process runs with what it uses goes without saying.
    assert_eq!(diagram.sign("labile_iron", "iron_storage"), None);
}

#[test]
fn quantities_with_one_use_are_seen_through() {
    let diagram = minimal();
    let has = |name: &str| diagram.nodes.iter().any(|node| node.name == name);
    assert!(has("peroxyl") && has("labile_copper") && has("active_iron"));
    assert!(!has("cysteine") && !has("trapping") && !has("Cu_albumin") && !has("counting") && !has("K_DFO"));
}

#[test]
fn reactions_are_processes_and_dilution_is_none() {
    let diagram = read(
        "model plain
  // ---- Lists ----
  compartment cell = 1;
  species A in cell, B in cell, C in cell;
  dose = 0; K = 2; growth = 0.1;
  // ---- First half ----
  supply: -> A; cell / (1 + dose / K);
  turn: A -> B; cell * A * C;
  A_growth: A -> ; cell * growth * A;
  // ---- Second half ----
  back: B -> A; cell * B^2;
  form: B -> C; cell * B * XYZ; XYZ = 1;
  loss: C -> ; cell * 0.3 * C;
  B_growth: B -> ; cell * growth * B;
  C_growth: C -> ; cell * growth * C;
  A = 1; B = 1; C = 1;
end",
    );
    let names: Vec<&str> = diagram.processes.iter().map(|process| process.name.as_str()).collect();
    assert_eq!(names, ["supply", "turn", "back", "form"]);
    assert_eq!(diagram.sides("turn"), (vec!["A"], vec!["B"]));
    assert_eq!(diagram.sign("C", "turn"), Some(Sign::Raises));
    assert_eq!(diagram.sign("XYZ", "form"), Some(Sign::Raises));
    // One list declares all species: they are at home where they react.
    assert_eq!(diagram.sections, ["First half", "Second half"]);
    assert_eq!((diagram.section("A"), diagram.section("C")), ("First half", "Second half"));
}

#[test]
fn a_model_without_parts_is_one() {
    let diagram = read("model decay_of_all\n  S' = -k*S + drug; S = 10; k = 0.5; drug = 0;\nend");
    assert_eq!(diagram.sections, ["decay of all"]);
    assert_eq!(diagram.sign("drug", "S"), Some(Sign::Raises));
    assert!(diagram.processes.is_empty());
}

#[test]
fn what_is_wrong_with_a_model_is_said() {
    let network = antimony::read("S' = -k*S\nS = 1", "wrong.ant").unwrap();
    assert!(Diagram::of(&network).is_err());
}
