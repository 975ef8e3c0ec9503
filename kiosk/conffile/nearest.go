package conffile

import (
	"strings"
	"unicode/utf8"
)

// nearest is the known name that name is most likely a slip of; "" if none is close: a third of the letters may differ.
func nearest(name string, known []string) string {
	if utf8.RuneCountInString(name) > 64 {
		return "" // no slip; and distance takes time by the square
	}
	name = strings.ReplaceAll(strings.ToLower(name), "-", "_")
	best, least := "", len(name)/3+1
	for _, k := range known {
		if d := distance(name, k); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance counts the letters to insert, drop, change, or swap with their neighbour (optimal string alignment).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := range len(a) {
		for j := range len(b) {
			change := rows[i][j]
			if a[i] != b[j] {
				change++
			}
			least := min(change, rows[i][j+1]+1, rows[i+1][j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				least = min(least, rows[i-1][j-1]+1)
			}
			rows[i+1][j+1] = least
		}
	}
	return rows[len(a)][len(b)]
}

// shorten quotes a text from the file for a message: nobody needs all of a long one, which may be a key gone astray.
func shorten(text string) string {
	const most = 32
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most]) + "…"
	}
	return `"` + strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '"' {
			return '.'
		}
		return r
	}, text) + `"`
}
