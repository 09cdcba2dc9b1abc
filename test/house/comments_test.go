package house

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"
)

// checkPackageDocs looks for packages without a package comment in any of their files. A test of another package
// (package x_test) needs none beside the package itself.
func checkPackageDocs(all []file) []finding {
	const why = "the first question about a folder is what it is for; the answer belongs beside the code, where go doc prints it."
	documented := map[string]bool{}
	first := map[string]string{}
	for _, f := range all {
		if f.tree == nil {
			continue
		}
		dir := path.Dir(f.path)
		if first[dir] == "" {
			first[dir] = f.path
		}
		documented[dir] = documented[dir] || strings.TrimSpace(f.tree.Doc.Text()) != ""
	}
	var found []finding
	for dir, f := range first {
		if !documented[dir] {
			found = append(found, finding{f, "the package in " + dir + " has no package comment", why})
		}
	}
	return found
}

// commonMethods mean the same on every type that has them.
var commonMethods = []string{"Error", "Unwrap", "Is", "As", "String", "Read", "Write", "Close", "ServeHTTP", "Len", "Less", "Swap"}

const whyComment = "a reader must be able to use a name without reading its body: the comment says what it is, with units, limits and errors."

// checkComments looks for exported names without a comment. In a group of constants or variables, the comment of the
// group will do.
func checkComments(all []file) []finding {
	var found []finding
	for _, f := range all {
		if !f.golang() || f.test() || !f.under(core...) {
			continue
		}
		for _, d := range f.tree.Decls {
			for _, name := range bare(d) {
				found = append(found, finding{f.at(name), name.Name + " is exported and has no comment", whyComment})
			}
		}
	}
	return found
}

// bare are the exported names of a declaration that have no comment.
func bare(d ast.Decl) []*ast.Ident {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Doc == nil && d.Name.IsExported() && visible(d) && !slices.Contains(commonMethods, d.Name.Name) {
			return []*ast.Ident{d.Name}
		}
	case *ast.GenDecl:
		return bareSpecs(d)
	}
	return nil
}

func bareSpecs(d *ast.GenDecl) []*ast.Ident {
	var names []*ast.Ident
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			if d.Doc == nil && s.Doc == nil {
				names = append(names, s.Name)
			}
		case *ast.ValueSpec:
			if d.Doc == nil && s.Doc == nil && s.Comment == nil {
				names = append(names, s.Names...)
			}
		}
	}
	return slices.DeleteFunc(names, func(n *ast.Ident) bool { return !n.IsExported() })
}

// visible says whether a function is not a method, or the method of an exported type.
func visible(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	typ := d.Recv.List[0].Type
	for {
		switch t := typ.(type) {
		case *ast.StarExpr:
			typ = t.X
		case *ast.IndexExpr:
			typ = t.X
		case *ast.IndexListExpr:
			typ = t.X
		default:
			name, ok := t.(*ast.Ident)
			return ok && name.IsExported()
		}
	}
}

// checkFields looks for exported fields without a comment in the structs of api. An embedded field needs none, and those
// of a kind, which are the same in every kind.
func checkFields(all []file) []finding {
	const why = "the comment of a field in api is what kubectl explain prints, and all that a user of the API ever sees of it."
	ofKinds := []string{"Spec", "Status", "Items"}
	var found []finding
	for _, f := range all {
		if !f.golang() || f.test() || !f.under("api") {
			continue
		}
		for _, field := range fields(f.tree) {
			for _, name := range field.Names {
				if name.IsExported() && field.Doc == nil && !slices.Contains(ofKinds, name.Name) {
					found = append(found, finding{f.at(name), "field " + name.Name + " has no comment", why})
				}
			}
		}
	}
	return found
}

func fields(tree *ast.File) []*ast.Field {
	var all []*ast.Field
	for _, d := range tree.Decls {
		if g, ok := d.(*ast.GenDecl); !ok || g.Tok != token.TYPE {
			continue
		}
		ast.Inspect(d, func(n ast.Node) bool {
			if s, ok := n.(*ast.StructType); ok {
				all = append(all, s.Fields.List...)
			}
			return true
		})
	}
	return all
}

func TestPackageDocs(t *testing.T) { none(t, checkPackageDocs(files(t))) }

func TestPackageDocsCanFail(t *testing.T) {
	finds(t, checkPackageDocs([]file{
		source(t, "internal/a/a.go", "package a"),
		source(t, "internal/a/b.go", "// Copyright is not a package comment.\n\npackage a"),
		source(t, "internal/b/a.go", "package b"),
		source(t, "internal/b/doc.go", "// Package b is good.\npackage b"),
		source(t, "internal/b/b_test.go", "package b_test"),
		source(t, "hack/c/main.go", "package main"),
	}), "internal/a/a.go", "hack/c/main.go")
}

func TestComments(t *testing.T) {
	all := files(t)
	none(t, checkComments(all))
	none(t, checkFields(all))
}

func TestCommentsCanFail(t *testing.T) {
	const text = `package a

type T struct{}
type (
	// U has one.
	U int
	V int
	w int
)
func (T) Do()          {}
func (*T) Error() string { return "" }
func (w) Do()          {}
func (G[K]) Do()       {}
func F()               {}
func f()               {}
// G is good.
type G[K any] struct{ K K }
const A = 1
// B and C are good.
const (
	B = 1
	C = 2
)
var (
	D = 1 // is good
	E = 2
)
`
	finds(t, checkComments([]file{
		source(t, "internal/a/a.go", text),
		source(t, "internal/a/zz_generated.go", "// Code generated by controller-gen. DO NOT EDIT.\n\n"+text),
		source(t, "internal/a/a_test.go", text),
		source(t, "hack/a/a.go", text),
	}),
		"internal/a/a.go:3", "internal/a/a.go:7", "internal/a/a.go:10", "internal/a/a.go:13", "internal/a/a.go:14",
		"internal/a/a.go:18", "internal/a/a.go:26")
	finds(t, checkFields([]file{
		source(t, "internal/a/a.go", text),
		source(t, "api/a/a.go", "package a\n\ntype S struct {\n\tS\n\tX, y int\n\tSpec int\n\t// Z is good.\n\tZ struct {\n\t\tW int\n\t}\n}\n"),
	}), "api/a/a.go:5", "api/a/a.go:9")
}
