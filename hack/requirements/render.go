package main

import (
	"fmt"
	"path"
	"strings"
)

const head = "<!-- Written by `go run ./hack/requirements` from hack/requirements/requirements.md, hack/requirements/reasons.txt and the tests. -->\n\n"

// render is the document: requirementsFile with a summary before its first table, and a column more in each.
func (c coverage) render() string {
	var out strings.Builder
	out.WriteString(head)
	summed := false
	for line := range strings.Lines(c.text) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "## ") && !summed {
			summed = true
			fmt.Fprintf(&out, "**%s**\n\n", c.summary())
		}
		switch m := row.FindStringSubmatch(line); {
		case m != nil:
			line += " " + c.proved(m[1]) + " |"
		case strings.HasPrefix(line, "| id |"):
			line += " proved by |"
		case strings.HasPrefix(line, "|---"):
			line += "---|"
		}
		out.WriteString(line + "\n")
	}
	return out.String()
}

// summary counts the requirements by what is said of them.
func (c coverage) summary() string {
	count := map[string]int{}
	for _, r := range c.requirements {
		why, ok := c.reason(r.id)
		if !ok {
			why.status = "proved"
		}
		count[why.status]++
	}
	return fmt.Sprintf("%d requirements: %d proved, %d planned, %d by design, %d out of scope.",
		len(c.requirements), count["proved"], count[planned], count[design], count[outOfScope])
}

var cell = strings.NewReplacer("|", `\|`, "<", "&lt;")

// proved is the last cell of a row: the tests, file by file, or the reason.
func (c coverage) proved(id string) string {
	if why, ok := c.reason(id); ok {
		return "*" + why.status + "*: " + why.words
	}
	var text, file string
	said := map[string]bool{}
	for _, n := range c.proofs(id) {
		title := n.file + ": " + n.title
		switch {
		case said[title]:
			continue
		case n.file == file:
			text += "; "
		default:
			if text != "" {
				text += "<br>"
			}
			text += fmt.Sprintf("[%s](%s): ", n.file, path.Join("..", n.file))
		}
		text += cell.Replace(n.title)
		said[title], file = true, n.file
	}
	return text
}
