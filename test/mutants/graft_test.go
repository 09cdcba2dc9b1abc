package mutants

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strings"
	"testing"
)

// inForce is the environment variable that says which fault of a build is in force, by its place in the table, from 1 on.
const inForce = "MUTANT_IN_FORCE"

// board is what a package with faults in it has besides: the number of the one in force.
const board = `package %s

import (
	"os"
	"strconv"
)

var mutantInForce, _ = strconv.Atoi(os.Getenv("` + inForce + `"))
`

// graft gives a file with faults in it: a function that has some begins with a call of its faulty twin, if that is in force. A fault that
// does not lie within a function is left out, and alone names it.
func graft(text string, faults map[int]mutant) (pkg, grafted string, alone []int, err error) {
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, "", text, parser.SkipObjectResolution)
	if err != nil {
		return "", "", nil, err
	}
	source := func(from, to token.Pos) string { return text[fset.Position(from).Offset:fset.Position(to).Offset] }
	var out, twins strings.Builder
	done, held := tree.FileStart, map[int]bool{}
	for _, d := range tree.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		begin := f.Body.Lbrace + 1
		out.WriteString(source(done, begin))
		done = begin
		body := source(begin, f.Body.Rbrace)
		for _, n := range slices.Sorted(maps.Keys(faults)) {
			if m := faults[n]; strings.Contains(body, m.old) {
				held[n] = true
				twin, call := twin(f, n, source)
				fmt.Fprintf(&out, "\nif mutantInForce == %d { %s }\n", n, call)
				fmt.Fprintf(&twins, "\n%s {%s}\n", twin, strings.Replace(body, m.old, m.new, 1))
			}
		}
	}
	out.WriteString(source(done, tree.FileEnd) + twins.String())
	for n := range faults {
		if !held[n] {
			alone = append(alone, n)
		}
	}
	return tree.Name.Name, out.String(), alone, nil
}

// twin is the head of a function like another one, and its call from there with the same arguments.
func twin(f *ast.FuncDecl, n int, source func(from, to token.Pos) string) (head, call string) {
	name := fmt.Sprintf("%sMutant%d", f.Name.Name, n)
	head, call = "func ", name
	if f.Recv != nil {
		head += source(f.Recv.Pos(), f.Recv.End()) + " "
		call = f.Recv.List[0].Names[0].Name + "." + name
	}
	head += name
	if f.Type.TypeParams != nil {
		head += source(f.Type.TypeParams.Pos(), f.Type.TypeParams.End())
		call += "[" + strings.Join(names(f.Type.TypeParams), ", ") + "]"
	}
	parameters, arguments := []string{}, names(f.Type.Params)
	for _, field := range f.Type.Params.List {
		kind := source(field.Type.Pos(), field.Type.End())
		for _, name := range names(&ast.FieldList{List: []*ast.Field{field}}) {
			parameters = append(parameters, name+" "+kind)
		}
		if strings.HasPrefix(kind, "...") && len(field.Names) > 0 && field.Names[0].Name != "_" {
			arguments[len(arguments)-1] += "..."
		}
	}
	head += "(" + strings.Join(parameters, ", ") + ")"
	call += "(" + strings.Join(arguments, ", ") + ")"
	if f.Type.Results == nil {
		return head, call + "; return"
	}
	return head + " " + source(f.Type.Results.Pos(), f.Type.Results.End()), "return " + call
}

// names are what a function calls its parameters, as far as it does.
func names(list *ast.FieldList) (all []string) {
	for _, field := range list.List {
		for _, name := range field.Names {
			if name.Name != "_" {
				all = append(all, name.Name)
			}
		}
	}
	return all
}

func TestGraft(t *testing.T) {
	const text = `package a

const most = 3

func (x *T[K]) Sum(_ int, first K, more ...K) (sum K, err error) {
	sum = first // one
	return sum, nil
}

func none[K any](thing thing) { go say("b") }
`
	const want = `package a

const most = 3

func (x *T[K]) Sum(_ int, first K, more ...K) (sum K, err error) {
if mutantInForce == 1 { return x.SumMutant1(first, more...) }

	sum = first // one
	return sum, nil
}

func none[K any](thing thing) {
if mutantInForce == 2 { noneMutant2[K](thing); return }
 go say("b") }

func (x *T[K]) SumMutant1(first K, more ...K) (sum K, err error) {
	sum = more[0] // one
	return sum, nil
}

func noneMutant2[K any](thing thing) { go say("c") }
`
	pkg, grafted, alone, err := graft(text, map[int]mutant{1: {old: "sum = first", new: "sum = more[0]"}, 2: {old: `"b"`, new: `"c"`}, 7: {old: "most = 3", new: "most = 4"}})
	if err != nil || pkg != "a" || grafted != want || !slices.Equal(alone, []int{7}) {
		t.Errorf("package %s, alone %v, %v:\n%s", pkg, alone, err, grafted)
	}
	if _, err := parser.ParseFile(token.NewFileSet(), "", grafted, 0); err != nil {
		t.Error(err)
	}
}
