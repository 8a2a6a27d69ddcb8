package sim

import (
	"errors"
	"net/netip"
	"reflect"
)

// errCedar says that an expression has no value here: it asks for a context or a type
// that this package does not have. As in Cedar, a policy with an error does not apply.
var errCedar = errors.New("the expression cannot be evaluated")

// cedarEntity is an entity with all it is in.
type cedarEntity struct {
	name string
	in   []string
}

// cedarRequest is what a policy is asked about. Values are bool, int64, string,
// netip.Prefix, cedarEntity, []any and map[string]any.
type cedarRequest struct {
	action, resource cedarEntity
	context          map[string]any
}

// forbids says whether the policy forbids the request.
func (p *cedarPolicy) forbids(r cedarRequest) bool {
	if !p.forbid {
		return false
	}
	for _, scope := range []*cedarExpr{p.action, p.resource} {
		if scope != nil && !r.holds(scope) {
			return false
		}
	}
	for _, c := range p.conditions {
		v, err := r.eval(c.expr)
		if is, ok := v.(bool); err != nil || !ok || is == c.unless {
			return false
		}
	}
	return true
}

func (r cedarRequest) holds(e *cedarExpr) bool {
	v, err := r.eval(e)
	return err == nil && v == true
}

func (r cedarRequest) eval(e *cedarExpr) (any, error) {
	switch e.op {
	case "lit":
		return e.value, nil
	case "entity":
		return cedarEntity{name: e.text}, nil
	case "name":
		return r.variable(e.text)
	case "&&", "||":
		left, err := r.eval(e.args[0])
		if err != nil || left == (e.op == "||") {
			return left, err
		}
		return r.eval(e.args[1])
	case "if":
		cond, err := r.eval(e.args[0])
		if is, ok := cond.(bool); err == nil && ok && is {
			return r.eval(e.args[1])
		} else if err == nil && ok {
			return r.eval(e.args[2])
		}
		return nil, errCedar
	case "has":
		v, err := r.eval(e.args[0])
		record, ok := v.(map[string]any)
		if err != nil || !ok {
			return nil, errCedar
		}
		_, has := record[e.args[1].text]
		return has, nil
	}
	args := make([]any, len(e.args))
	for i, a := range e.args {
		v, err := r.eval(a)
		if err != nil {
			return nil, err
		}
		args[i] = v
	}
	return cedarApply(e, args)
}

func (r cedarRequest) variable(name string) (any, error) {
	switch name {
	case "action":
		return r.action, nil
	case "resource":
		return r.resource, nil
	case "context":
		return r.context, nil
	}
	return nil, errCedar
}

// cedarApply evaluates an operator on values.
func cedarApply(e *cedarExpr, args []any) (any, error) {
	switch e.op {
	case "set":
		return args, nil
	case "==":
		return cedarEqual(args[0], args[1]), nil
	case "!=":
		return !cedarEqual(args[0], args[1]), nil
	case "in":
		return cedarIn(args[0], args[1])
	case "<", "<=", ">", ">=":
		return cedarCompare(e.op, args)
	case "unary!":
		if b, ok := args[0].(bool); ok {
			return !b, nil
		}
	case "get":
		if record, ok := args[0].(map[string]any); ok {
			if v, has := record[e.text]; has {
				return v, nil
			}
		}
	case "func":
		if len(args) != 1 || e.text != "ip" {
			return nil, errCedar
		}
		if s, ok := args[0].(string); ok {
			if p, bad := parseAddress(s, false); bad == nil {
				return p, nil
			}
		}
	case "call":
		return cedarMethod(e.text, args)
	}
	return nil, errCedar
}

func cedarCompare(op string, args []any) (any, error) {
	a, okA := args[0].(int64)
	b, okB := args[1].(int64)
	if !okA || !okB {
		return nil, errCedar
	}
	return map[string]bool{"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[op], nil
}

// cedarEqual compares sets without regard to order or repetition.
func cedarEqual(a, b any) bool {
	x, okX := a.([]any)
	y, okY := b.([]any)
	if okX && okY {
		return containsAll(x, y) && containsAll(y, x)
	}
	if ea, ok := a.(cedarEntity); ok {
		eb, ok := b.(cedarEntity)
		return ok && ea.name == eb.name
	}
	return reflect.DeepEqual(a, b)
}

func cedarIn(a, b any) (any, error) {
	e, ok := a.(cedarEntity)
	if !ok {
		return nil, errCedar
	}
	of, isSet := b.([]any)
	if !isSet {
		of = []any{b}
	}
	for _, x := range of {
		for _, name := range append([]string{e.name}, e.in...) {
			if group, ok := x.(cedarEntity); ok && group.name == name {
				return true, nil
			}
		}
	}
	return false, nil
}

// cedarMethod knows the methods of sets and of addresses.
func cedarMethod(name string, args []any) (any, error) {
	if set, ok := args[0].([]any); ok {
		switch {
		case name == "isEmpty":
			return len(set) == 0, nil
		case len(args) != 2:
			return nil, errCedar
		case name == "contains":
			return containsAll(set, []any{args[1]}), nil
		}
		other, ok := args[1].([]any)
		switch {
		case ok && name == "containsAll":
			return containsAll(set, other), nil
		case ok && name == "containsAny":
			for _, v := range other {
				if containsAll(set, []any{v}) {
					return true, nil
				}
			}
			return false, nil
		}
		return nil, errCedar
	}
	a, ok := args[0].(netip.Prefix)
	switch {
	case ok && name == "isIpv4":
		return a.Addr().Is4(), nil
	case ok && name == "isIpv6":
		return a.Addr().Is6(), nil
	case ok && name == "isInRange" && len(args) == 2:
		if b, ok := args[1].(netip.Prefix); ok {
			return b.Bits() <= a.Bits() && b.Contains(a.Addr()), nil
		}
	}
	return nil, errCedar
}

func containsAll(set, of []any) bool {
	for _, want := range of {
		found := false
		for _, v := range set {
			found = found || cedarEqual(v, want)
		}
		if !found {
			return false
		}
	}
	return true
}
