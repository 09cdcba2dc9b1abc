package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	anyID    = regexp.MustCompile(`\b\d{3}-\d{2}\b`)
	brackets = regexp.MustCompile(` ?\(\d{3}-\d{2}(, \d{3}-\d{2})*\)`)
)

// A naming is an id in a comment or a text of a test file.
type naming struct {
	id    string
	file  string // from the root, with slashes
	line  int
	title string // of the test that names it, without ids; empty where no test is
}

// scan reads all test files but those that go ignores.
func scan(tree fs.FS) ([]naming, error) {
	var all []naming
	err := fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := fs.ReadFile(tree, path)
		if err != nil {
			return err
		}
		found, err := scanFile(path, text)
		all = append(all, found...)
		return err
	})
	return all, err
}

// source is one test file. What was seen there as a part of a test is not looked at again.
type source struct {
	path  string
	fset  *token.FileSet
	above map[int]*ast.CommentGroup // by the line below the comment
	seen  map[ast.Node]bool
	found []naming
}

func scanFile(path string, text []byte) ([]naming, error) {
	s := &source{path: path, fset: token.NewFileSet(), above: map[int]*ast.CommentGroup{}, seen: map[ast.Node]bool{}}
	file, err := parser.ParseFile(s.fset, path, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	for _, c := range file.Comments {
		s.above[s.line(c.End())+1] = c
	}
	ast.Walk(place{source: s}, file)
	for _, c := range file.Comments {
		if !s.seen[c] {
			s.name(c, c.Text(), "")
		}
	}
	slices.SortStableFunc(s.found, func(a, b naming) int { return a.line - b.line })
	return s.found, nil
}

func (s *source) line(p token.Pos) int { return s.fset.Position(p).Line }

// name finds the ids in a text at n.
func (s *source) name(n ast.Node, text, title string) {
	s.seen[n] = true
	for _, id := range anyID.FindAllString(text, -1) {
		s.found = append(s.found, naming{id, s.path, s.line(n.Pos()), title})
	}
}

// nameAbove finds the ids in the comment right above n.
func (s *source) nameAbove(n ast.Node, title string) {
	if c := s.above[s.line(n.Pos())]; c != nil {
		s.name(c, c.Text(), title)
	}
}

// text is a text that may be put together of several. What is computed is an ellipsis in it. It is empty where nothing is written.
func (s *source) text(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		s.seen[e] = true
		text, _ := strconv.Unquote(e.Value) // of what is no text, nothing
		return text
	case *ast.BinaryExpr:
		left, right := s.text(e.X), s.text(e.Y)
		if left+right == "" {
			return ""
		}
		return or(left, "…") + or(right, "…")
	}
	return ""
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// place is where in a file the walk is.
type place struct {
	*source
	title string // of the test around it
}

// titled are the functions whose first argument is the title of a test.
var titled = []string{"Describe", "DescribeTable", "Context", "When", "It", "Specify", "Entry", "Run"}

// Visit finds what names an id at n, and returns where its children are.
func (p place) Visit(n ast.Node) ast.Visitor {
	switch n := n.(type) {
	case *ast.FuncDecl:
		return p.function(n)
	case *ast.CallExpr:
		return p.call(n)
	case *ast.CompositeLit:
		p.cases(n)
	case *ast.BasicLit:
		if n.Kind == token.STRING && !p.seen[n] {
			p.name(n, n.Value, "")
		}
	}
	return p
}

func (p place) function(n *ast.FuncDecl) place {
	name := n.Name.Name
	if n.Recv != nil || !strings.HasPrefix(name, "Test") && !strings.HasPrefix(name, "Fuzz") {
		return p
	}
	p.title = name + ":"
	p.nameAbove(n.Name, name)
	return p
}

func (p place) call(n *ast.CallExpr) place {
	if len(n.Args) == 0 || !slices.Contains(titled, called(n)) {
		return p
	}
	text := p.text(n.Args[0])
	if text == "" {
		return p
	}
	p.title = p.below(text)
	p.name(n, text, p.title)
	p.nameAbove(n, p.title)
	return p
}

func called(n *ast.CallExpr) string {
	switch f := n.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// cases are the texts that stand by themselves in a list, a struct or a map, the names of cases among them.
func (p place) cases(n *ast.CompositeLit) {
	for _, e := range n.Elts {
		parts := []ast.Expr{e}
		if pair, ok := e.(*ast.KeyValueExpr); ok {
			parts = []ast.Expr{pair.Key, pair.Value}
		}
		for _, part := range parts {
			if lit, ok := part.(*ast.BasicLit); ok {
				text := p.text(lit)
				p.name(lit, text, p.below(text))
			}
		}
	}
}

// below is the title of what stands in the test around it.
func (p place) below(text string) string {
	return strings.TrimSpace(p.title + " " + strings.TrimSpace(brackets.ReplaceAllString(text, "")))
}
