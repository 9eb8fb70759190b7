// Prints the descriptor of the official CSI Go module as a FileDescriptorProto in JSON.
package main

import (
	"fmt"
	"os"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protodesc"
)

func main() {
	descriptor := protodesc.ToFileDescriptorProto(csi.File_csi_proto)
	out, err := protojson.Marshal(descriptor)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Stdout.Write(out)
}
