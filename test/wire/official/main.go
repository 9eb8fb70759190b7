// Prints the descriptor of an official Go module as a FileDescriptorProto in JSON: csi or registration.
package main

import (
	"fmt"
	"os"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

func main() {
	files := map[string]protoreflect.FileDescriptor{
		"csi":          csi.File_csi_proto,
		"registration": (&registration.PluginInfo{}).ProtoReflect().Descriptor().ParentFile(),
	}
	out, err := protojson.Marshal(protodesc.ToFileDescriptorProto(files[os.Args[1]]))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Stdout.Write(out)
}
