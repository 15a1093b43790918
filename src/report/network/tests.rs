use super::page::{Page, page};
use super::place::Rect;
use super::*;
use crate::model::diagram::Kind;
use crate::model::{Diagram, antimony};
use crate::study::embedded;

fn diagrams() -> Vec<Diagram> {
    let read = |file: &embedded::File| Diagram::of(&antimony::read(file.text, file.name).unwrap()).unwrap();
    embedded::MODELS.iter().map(read).collect()
}

/// Every box and pill of the page, with its name.
fn boxes(page: &Page) -> Vec<(String, Rect)> {
    let mut found = Vec::new();
    for ((x, y), block) in page.panels.iter().flat_map(|panel| &panel.blocks) {
        let mut add = |name: &str, rect: Rect| {
            found.push((name.to_string(), Rect { x: rect.x + x, y: rect.y + y, ..rect }));
        };
        for (at, item) in block.graph.items.iter().enumerate() {
            add(&item.name, block.boxes[at]);
            item.left.iter().enumerate().for_each(|(number, pill)| add(&pill.name, block.pill(at, number, true)));
            item.right.iter().enumerate().for_each(|(number, pill)| add(&pill.name, block.pill(at, number, false)));
        }
    }
    found
}

fn overlap(a: &Rect, b: &Rect) -> bool {
    let slack = 0.01;
    a.x + a.width > b.x + slack
        && b.x + b.width > a.x + slack
        && a.y + a.height > b.y + slack
        && b.y + b.height > a.y + slack
}

#[test]
fn every_state_has_one_box_and_every_part_a_title() {
    for diagram in diagrams() {
        let page = page(&diagram);
        let items: Vec<_> = page
            .panels
            .iter()
            .filter(|panel| panel.section.is_some())
            .flat_map(|panel| panel.blocks.iter().flat_map(|(_, block)| &block.graph.items))
            .collect();
        for node in diagram.nodes.iter().filter(|node| matches!(node.kind, Kind::State | Kind::Computed)) {
            assert_eq!(items.iter().filter(|item| item.name == node.name).count(), 1, "{}", node.name);
        }
        for process in &diagram.processes {
            assert!(items.iter().any(|item| item.name == process.name), "{}", process.name);
        }
        let all = boxes(&page);
        for input in diagram.nodes.iter().filter(|node| !matches!(node.kind, Kind::State | Kind::Computed)) {
            assert!(all.iter().any(|(name, _)| name.contains(&input.name)), "{}", input.name);
        }
        let svg = standalone(&diagram);
        for title in &diagram.sections {
            assert!(svg.contains(&format!("font-weight=\"700\">{title}</text>")), "{title}");
        }
        assert!(svg.contains("<title>Diagram of the model "));
    }
}

#[test]
fn nothing_overlaps_and_all_lies_within_its_panel() {
    for diagram in diagrams() {
        let page = page(&diagram);
        let boxes = boxes(&page);
        for (at, (name, rect)) in boxes.iter().enumerate() {
            for (other, further) in &boxes[at + 1..] {
                assert!(!overlap(rect, further), "{}: {name} and {other}", diagram.title);
            }
            let inside = page.panels.iter().any(|panel| {
                let p = panel.rect;
                rect.x >= p.x
                    && rect.y >= p.y
                    && rect.x + rect.width <= p.x + p.width
                    && rect.y + rect.height <= p.y + p.height
            });
            assert!(inside, "{}: {name} lies outside", diagram.title);
        }
        for (at, panel) in page.panels.iter().enumerate() {
            assert!(page.panels[at + 1..].iter().all(|other| !overlap(&panel.rect, &other.rect)), "{}", panel.title);
        }
    }
}

/// Straight pieces keep clear of boxes and pills by themselves; curves lie between layers, where there are none.
#[test]
fn lines_keep_clear_of_boxes() {
    for diagram in diagrams() {
        for ((_, _), block) in page(&diagram).panels.iter().flat_map(|panel| &panel.blocks) {
            for (wire, way) in block.graph.wires.iter().zip(&block.ways) {
                for piece in way.chunks_exact(2) {
                    let (top, bottom) = (piece[0].1.min(piece[1].1), piece[0].1.max(piece[1].1));
                    assert!((piece[0].0 - piece[1].0).abs() < 1e-9);
                    let line = Rect { x: piece[0].0 - 0.5, y: top, width: 1.0, height: bottom - top };
                    for (at, item) in block.graph.items.iter().enumerate() {
                        let own = at == wire.from || at == wire.to;
                        assert!(own || !overlap(&line, &block.boxes[at]), "{}", item.name);
                        for number in 0..item.left.len() {
                            assert!(!overlap(&line, &block.pill(at, number, true)), "{}", item.left[number].name);
                        }
                        for number in 0..item.right.len() {
                            assert!(!overlap(&line, &block.pill(at, number, false)), "{}", item.right[number].name);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn pictures_are_the_same_each_time() {
    for (first, second) in diagrams().iter().zip(&diagrams()) {
        assert_eq!(first, second);
        assert_eq!(standalone(first), standalone(second));
    }
}

#[test]
fn one_in_a_page_leaves_colours_to_the_page() {
    for diagram in diagrams() {
        let svg = inline(&diagram);
        assert!(svg.starts_with("<svg class=\"plot network\"") && !svg.contains("<style>") && svg.ends_with("</svg>"));
        assert!(!svg.contains("NaN"), "{}", diagram.title);
    }
}

#[test]
fn nothing_to_draw_is_no_error() {
    let svg = standalone(&Diagram::default());
    assert!(svg.contains("</svg>") && !svg.contains("NaN"));
}
