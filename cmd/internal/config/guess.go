package config

// nearest returns the word of the list that was probably meant: the one with the fewest edits (insert, delete, replace,
// swap of neighbours), at most a third of the word's length and two.
func nearest(word string, list []string) string {
	best, limit := "", min(2, max(1, len(word)/3))
	for _, w := range list {
		if d := distance(word, w); d <= limit {
			best, limit = w, d-1
		}
	}
	return best
}

// distance is the optimal string alignment distance. Words longer than any key of ours are far from everything.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	var before []int
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
