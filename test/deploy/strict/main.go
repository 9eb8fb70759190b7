// Command strict reads Kubernetes objects as YAML from standard input into the official types, as the API server does
// with strict field validation: a field that a type lacks, a value of the wrong type or a kind that is not known is an
// error. It prints each object's kind and name.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	groupsnapshot "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumegroupsnapshot/v1"
	snapshot "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
)

func main() {
	for _, add := range []func(*runtime.Scheme) error{snapshot.AddToScheme, groupsnapshot.AddToScheme} {
		if err := add(scheme.Scheme); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	decoder := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	reader := yaml.NewYAMLReader(bufio.NewReader(os.Stdin))
	failed := false
	for {
		text, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		// A document of comments alone.
		if json, err := yaml.ToJSON(text); err == nil && string(json) == "null" {
			continue
		}
		object, kind, err := decoder.Decode(text, nil, nil)
		if err != nil {
			fmt.Fprintf(os.Stderr, "%v in:\n%s\n", err, text)
			failed = true
			continue
		}
		access, err := meta.Accessor(object)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Printf("%s %s\n", kind.Kind, access.GetName())
	}
	if failed {
		os.Exit(1)
	}
}
