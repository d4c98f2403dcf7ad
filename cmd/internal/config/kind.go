package config

// Kind is which server a configuration is for.
type Kind string

// Kinds.
const (
	KindNode    Kind = "node"    // tallyd
	KindCentral Kind = "central" // tally-central
)

// Any is a configuration of either server. Kind says whose, and is empty when nothing in the file tells; the other one is
// nil, and both are when the file has a mistake.
type Any struct {
	Kind    Kind
	Node    *Node
	Central *Central
}

// LoadAny reads a configuration as LoadNode or LoadCentral does, whichever is meant for it, and as LoadNode when nothing
// tells.
func LoadAny(file string, o Options) (Any, error) {
	kind := Kind("")
	a, err := load(file, o, func(d *document, t *table, known Known) Any {
		if kind = t.kind(); kind == KindCentral {
			c := d.central(t, known)
			return Any{Central: &c}
		}
		n := d.node(t, known)
		return Any{Node: &n}
	})
	a.Kind = kind
	return a, err
}

// kind tells the two by the keys that only one of them has. One key that strayed in from the other kind is a mistake in a
// file, and does not make it another file.
func (t *table) kind() Kind {
	count := func(keys ...string) (n int) {
		for _, key := range keys {
			if _, there := t.keys[key]; there {
				n++
			}
		}
		return n
	}
	central := count("id", "group", "database", "database_password", "database_password_file", "database_password_env", "signing_key_file", "reconcile_at")
	node := count("node", "data_dir", "counter", "cards", "meters", "line", "backup")
	switch {
	case central > node:
		return KindCentral
	case node > 0:
		return KindNode
	}
	return ""
}
