package rules

import (
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

// directly is a variable that a program asks its getter for, instead of the activation by
// name: half of the time of most evaluations went into finding names. Where a loop may have
// a variable of the same name, and where fields are selected of it, it stays CEL's own.
type directly struct {
	interpreter.InterpretableAttribute
	get      func(*subject) any
	selected bool // fields of it are meant
}

// direct decorates programs.
func direct(i interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	if _, done := i.(*directly); done {
		return i, nil
	}
	a, ok := i.(interpreter.InterpretableAttribute)
	if !ok {
		return i, nil
	}
	name, ok := a.Attr().(interpreter.NamespacedAttribute)
	if !ok || len(name.Qualifiers()) > 0 || len(name.CandidateVariableNames()) != 1 {
		return i, nil
	}
	get, ok := getters[name.CandidateVariableNames()[0]]
	if !ok {
		return i, nil
	}
	return &directly{InterpretableAttribute: a, get: get}, nil
}

// AddQualifier implements interpreter.InterpretableAttribute.
func (d *directly) AddQualifier(q interpreter.Qualifier) (interpreter.Attribute, error) {
	d.selected = true
	return d.InterpretableAttribute.AddQualifier(q)
}

// Exec implements interpreter.InterpretableV2.
func (d *directly) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	s, ok := frame.Scope().(*subject) // in a loop it is the loop's
	if !ok || d.selected {
		return d.InterpretableAttribute.Exec(frame)
	}
	out := d.value(s)
	if costs := frame.CostTracker(); costs != nil {
		costs.EvalAttribute(d.ID(), false, out)
	}
	return out
}

// Eval implements interpreter.Interpretable.
func (d *directly) Eval(vars interpreter.Activation) ref.Val {
	return interpreter.EvalActivation(vars, d.Exec)
}

// noTexts is what most lists are.
var noTexts = types.NewStringList(types.DefaultTypeAdapter, nil)

func (d *directly) value(s *subject) ref.Val {
	switch v := d.get(s).(type) {
	case bool:
		return types.Bool(v)
	case string:
		return types.String(v)
	case int64:
		return types.Int(v)
	case int:
		return types.Int(v)
	case time.Time:
		return types.Timestamp{Time: s.clock(v)}
	case *types.Err:
		return types.LabelErrNode(d.ID(), v)
	case ref.Val:
		return v
	case []string:
		if len(v) == 0 {
			return noTexts
		}
		return types.NewStringList(d.Adapter(), v)
	default:
		return d.Adapter().NativeToValue(v)
	}
}
