// A trainer for starlings with Go's standard library alone: two numbers a line and the class, 0 or 1, learned by logistic regression.
//
//	go build -o points ./examples/trainers/go && starlings trainer check ./points --data points.csv
//
// docs/TRAINERS.md describes what it speaks.
package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

const (
	parameters = 3
	batch      = 16
	frameMax   = 1 << 20
)

type object = map[string]any

// failure is an error that the node is told by its code.
type failure struct{ code, message string }

func (f failure) Error() string { return f.message }

type point struct {
	x     [2]float64
	label float64
}

type trainer struct {
	answers          io.Writer
	requests         chan object
	cancels          chan uint64
	folder           string
	rate             float64
	learned, heldOut []point
}

// Canonical CBOR: shortest integers, keys shortest first, floats in 64 bits and only where they are no whole numbers.

func head(major byte, value uint64) []byte {
	switch {
	case value < 24:
		return []byte{major<<5 | byte(value)}
	case value < 1<<8:
		return []byte{major<<5 | 24, byte(value)}
	case value < 1<<16:
		return binary.BigEndian.AppendUint16([]byte{major<<5 | 25}, uint16(value))
	case value < 1<<32:
		return binary.BigEndian.AppendUint32([]byte{major<<5 | 26}, uint32(value))
	}
	return binary.BigEndian.AppendUint64([]byte{major<<5 | 27}, value)
}

func encode(value any) []byte {
	switch v := value.(type) {
	case int:
		if v < 0 {
			return head(1, uint64(-1-v))
		}
		return head(0, uint64(v))
	case uint64:
		return head(0, v)
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return encode(int(v))
		}
		return binary.BigEndian.AppendUint64([]byte{0xfb}, math.Float64bits(v))
	case string:
		return append(head(3, uint64(len(v))), v...)
	case []any:
		out := head(4, uint64(len(v)))
		for _, item := range v {
			out = append(out, encode(item)...)
		}
		return out
	case object:
		keys := make([]string, 0, len(v))
		for key := range v {
			keys = append(keys, key)
		}
		sort.Slice(keys, func(a, b int) bool {
			return len(keys[a]) < len(keys[b]) || len(keys[a]) == len(keys[b]) && keys[a] < keys[b]
		})
		out := head(5, uint64(len(v)))
		for _, key := range keys {
			out = append(append(out, encode(key)...), encode(v[key])...)
		}
		return out
	}
	panic(fmt.Sprintf("%T has no form here", value))
}

// decode returns the value and what comes after it.
func decode(data []byte) (any, []byte) {
	major, info, rest := data[0]>>5, data[0]&31, data[1:]
	if major == 7 {
		if info == 27 {
			return math.Float64frombits(binary.BigEndian.Uint64(rest)), rest[8:]
		}
		if info == 22 {
			return nil, rest
		}
		return info == 21, rest
	}
	size := uint64(info)
	if info >= 24 {
		size = 0
		for width := 1 << (info - 24); width > 0; width-- {
			size, rest = size<<8|uint64(rest[0]), rest[1:]
		}
	}
	switch major {
	case 0:
		return size, rest
	case 1:
		return -1 - int(size), rest
	case 2, 3:
		return string(rest[:size]), rest[size:]
	case 4:
		items := make([]any, size)
		for at := range items {
			items[at], rest = decode(rest)
		}
		return items, rest
	}
	items := make(object, size)
	for range size {
		var key any
		key, rest = decode(rest)
		items[key.(string)], rest = decode(rest)
	}
	return items, rest
}

func number(value any) float64 {
	switch v := value.(type) {
	case uint64:
		return float64(v)
	case float64:
		return v
	}
	return 0
}

func (t *trainer) say(request object, op string, fields object) {
	fields["v"], fields["id"], fields["op"] = 1, request["id"], op
	body := encode(fields)
	t.answers.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...))
}

// read hears of cancel while something is trained; the end of the node is our end.
func (t *trainer) read(source io.Reader) {
	from := bufio.NewReader(source)
	for {
		var size uint32
		if binary.Read(from, binary.BigEndian, &size) != nil || size > frameMax {
			os.Exit(0)
		}
		body := make([]byte, size)
		if _, err := io.ReadFull(from, body); err != nil {
			os.Exit(0)
		}
		value, _ := decode(body)
		switch request := value.(object); request["op"] {
		case "shutdown":
			os.Exit(0)
		case "cancel":
			t.cancels <- request["target"].(uint64)
		default:
			t.requests <- request
		}
	}
}

func (t *trainer) load(name any) ([]float64, error) {
	data, err := os.ReadFile(filepath.Join(t.folder, name.(string)))
	if err != nil {
		return nil, err
	}
	if len(data) != 4*parameters {
		return nil, fmt.Errorf("the model has %d parameters, the vector %d", parameters, len(data)/4)
	}
	vector := make([]float64, parameters)
	for at := range vector {
		vector[at] = float64(math.Float32frombits(binary.LittleEndian.Uint32(data[4*at:])))
	}
	return vector, nil
}

func (t *trainer) store(name any, vector []float64) (object, error) {
	var data []byte
	for _, value := range vector {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(value)))
	}
	hash := sha256.Sum256(data)
	path := filepath.Join(t.folder, name.(string))
	if err := os.WriteFile(path+".tmp", data, 0o600); err != nil {
		return nil, err
	}
	return object{"length": len(vector), "sha256": hex.EncodeToString(hash[:])}, os.Rename(path+".tmp", path)
}

func probability(w []float64, p point) float64 {
	return 1 / (1 + math.Exp(-(w[0]*p.x[0] + w[1]*p.x[1] + w[2])))
}

func judge(w []float64, points []point) (loss, accuracy float64) {
	for _, p := range points {
		right := probability(w, p)
		if p.label == 0 {
			right = 1 - right
		}
		loss -= math.Log(math.Max(right, 1e-12)) / float64(len(points))
		if right > 0.5 {
			accuracy += 1 / float64(len(points))
		}
	}
	return loss, math.Min(accuracy, 1)
}

// draw is a number of the stream: the same for the same name.
func draw(stream string, step, index, limit int) int {
	hash := sha256.Sum256(fmt.Appendf(nil, "%s/%d/%d", stream, step, index))
	return int(binary.BigEndian.Uint32(hash[:]) % uint32(limit))
}

func (t *trainer) train(request object) (object, error) {
	w, err := t.load(request["in"])
	if err != nil {
		return nil, err
	}
	steps, stream, total := int(number(request["steps"])), request["streamKey"].(string), 0.0
	for step := range steps {
		var gradient [parameters]float64
		for index := range batch {
			p := t.learned[draw(stream, step, index, len(t.learned))]
			loss, _ := judge(w, []point{p})
			total += loss / batch
			miss := probability(w, p) - p.label
			for at, value := range [parameters]float64{p.x[0], p.x[1], 1} {
				gradient[at] += miss * value / batch
			}
		}
		for at := range w {
			w[at] -= t.rate * gradient[at]
		}
		if math.IsNaN(total + w[0] + w[1] + w[2]) {
			return nil, failure{"diverged", fmt.Sprintf("the loss is not a number at step %d", step)}
		}
		t.say(request, "progress", object{"steps": step + 1})
		select {
		case target := <-t.cancels:
			if target == request["id"] {
				return nil, failure{"cancelled", "cancelled"}
			}
		default:
		}
	}
	answer, err := t.store(request["out"], w)
	if err != nil {
		return nil, err
	}
	answer["loss"], answer["samples"] = total/float64(steps), steps*batch
	return answer, nil
}

func (t *trainer) init(request object) (object, error) {
	path := request["data"].(string)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, failure{"data", err.Error()}
	}
	t.learned, t.heldOut = nil, nil
	for at, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		fields := strings.Split(strings.TrimSpace(line), ",")
		var values [3]float64
		for column := range values {
			if len(fields) == 3 {
				values[column], err = strconv.ParseFloat(fields[column], 64)
			}
			if len(fields) != 3 || err != nil {
				return nil, failure{"data", fmt.Sprintf("%s: line %d is not x,y,class", path, at+1)}
			}
		}
		p := point{[2]float64{values[0], values[1]}, values[2]}
		if at%5 == 4 {
			t.heldOut = append(t.heldOut, p)
		} else {
			t.learned = append(t.learned, p)
		}
	}
	if len(t.heldOut) == 0 {
		return nil, failure{"data", path + ": at least five lines of x,y,class are needed"}
	}
	t.folder = request["folder"].(string)
	t.rate = number(request["training"].(object)["learningRate"])
	return object{"backend": "Go, one goroutine"}, nil
}

func (t *trainer) answer(request object) (object, error) {
	switch request["op"] {
	case "describe":
		return object{
			"name": "go-points", "version": "1", "parameters": parameters,
			"layout":       []any{object{"name": "weights", "shape": []any{parameters}, "offset": 0}},
			"capabilities": []any{"deterministic", "score"},
		}, nil
	case "init":
		return t.init(request)
	case "initial":
		return t.store(request["out"], make([]float64, parameters))
	case "train":
		return t.train(request)
	case "evaluate":
		w, err := t.load(request["in"])
		if err != nil {
			return nil, err
		}
		loss, accuracy := judge(w, t.heldOut)
		return object{"loss": loss, "accuracy": accuracy, "examples": len(t.heldOut)}, nil
	case "score":
		losses := []any{}
		for _, name := range request["ins"].([]any) {
			w, err := t.load(name)
			if err != nil {
				return nil, err
			}
			loss, _ := judge(w, t.learned)
			losses = append(losses, loss)
		}
		return object{"losses": losses}, nil
	}
	return nil, failure{"unsupported", fmt.Sprintf("%v is not among what this trainer can do", request["op"])}
}

func main() {
	t := &trainer{answers: os.NewFile(4, "answers"), requests: make(chan object), cancels: make(chan uint64, 16)}
	go t.read(os.NewFile(3, "requests"))
	for request := range t.requests {
		fields, err := t.answer(request)
		if err == nil {
			t.say(request, request["op"].(string), fields)
			continue
		}
		code := "failed"
		var told failure
		if errors.As(err, &told) {
			code = told.code
		}
		t.say(request, "error", object{"code": code, "message": err.Error()})
	}
}
