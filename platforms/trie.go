package platforms

// maxStates keeps an automaton below a few MB and its states in 16 bits.
const maxStates = 1 << 14

// trie is the making of a filter: the literals of all rules, then the failure links.
type trie struct {
	columns int
	nodes   []trieNode
}

type trieNode struct {
	next  []uint16 // by column; 0 is the root, and "none" until link
	fail  uint16
	rules ruleSet
}

func newTrie(columns int) *trie {
	return &trie{columns: columns, nodes: []trieNode{{next: make([]uint16, columns)}}}
}

// add puts one literal in, as columns. It reports false when the automaton is full.
func (t *trie) add(lit []uint8, rule int) bool {
	s := 0
	for _, c := range lit {
		n := int(t.nodes[s].next[c])
		if n == 0 {
			if len(t.nodes) == maxStates {
				return false
			}
			n = len(t.nodes)
			t.nodes = append(t.nodes, trieNode{next: make([]uint16, t.columns)})
			t.nodes[s].next[c] = uint16(n)
		}
		s = n
	}
	t.nodes[s].rules.add(rule)
	return true
}

// link turns the trie into an automaton, breadth first: where a node has no child, it goes where its
// longest proper suffix would go, and it has found whatever that suffix has found.
func (t *trie) link() {
	var queue []uint16
	for _, n := range t.nodes[0].next {
		if n != 0 {
			queue = append(queue, n)
		}
	}
	for i := 0; i < len(queue); i++ {
		node := &t.nodes[queue[i]]
		suffix := &t.nodes[node.fail]
		node.rules.union(&suffix.rules)
		for c, child := range node.next {
			if child == 0 {
				node.next[c] = suffix.next[c]
				continue
			}
			t.nodes[child].fail = suffix.next[c]
			queue = append(queue, child)
		}
	}
}

// automaton is the trie in the shape that a filter walks.
func (t *trie) automaton() automaton {
	a := automaton{next: make([]uint32, len(t.nodes)*t.columns), found: make([]uint16, len(t.nodes)), sets: make([]ruleSet, 1)}
	for s, n := range t.nodes {
		for c, to := range n.next {
			v := uint32(int(to) * t.columns) //nolint:gosec // below maxStates * 256
			if !t.nodes[to].rules.empty() {
				v |= hitBit
			}
			a.next[s*t.columns+c] = v
		}
		if n.rules.empty() {
			continue
		}
		a.found[s] = uint16(len(a.sets))
		a.sets = append(a.sets, n.rules)
	}
	return a
}
