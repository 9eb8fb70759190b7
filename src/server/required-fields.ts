/**
 * What the specification calls REQUIRED in messages that we receive, by message: fields and oneofs. Left out:
 * - readonly and starting_offset, whose default cannot be told from "not sent";
 * - snapshot_ids of the group requests: csi-sanity sends none and expects NOT_FOUND and OK;
 * - staging_target_path of NodePublishVolume: its absence is FAILED_PRECONDITION, which the handler says.
 */
export const requiredFields: Readonly<Record<string, readonly string[]>> = {
  'csi.v1.VolumeCapability': ['access_type', 'access_mode'],
  'csi.v1.VolumeCapability.AccessMode': ['mode'],
  'csi.v1.VolumeContentSource': ['type'],
  'csi.v1.VolumeContentSource.SnapshotSource': ['snapshot_id'],
  'csi.v1.VolumeContentSource.VolumeSource': ['volume_id'],

  'csi.v1.CreateVolumeRequest': ['name', 'volume_capabilities'],
  'csi.v1.DeleteVolumeRequest': ['volume_id'],
  'csi.v1.ControllerExpandVolumeRequest': ['volume_id', 'capacity_range'],
  'csi.v1.ControllerModifyVolumeRequest': ['volume_id', 'mutable_parameters'],
  'csi.v1.ControllerPublishVolumeRequest': ['volume_id', 'node_id', 'volume_capability'],
  'csi.v1.ControllerUnpublishVolumeRequest': ['volume_id'],
  'csi.v1.ValidateVolumeCapabilitiesRequest': ['volume_id', 'volume_capabilities'],
  'csi.v1.ControllerGetVolumeRequest': ['volume_id'],
  'csi.v1.ControllerGetVolumeHealthRequest': ['volume_id'],
  'csi.v1.CreateSnapshotRequest': ['source_volume_id', 'name'],
  'csi.v1.DeleteSnapshotRequest': ['snapshot_id'],
  'csi.v1.GetSnapshotRequest': ['snapshot_id'],

  'csi.v1.CreateVolumeGroupSnapshotRequest': ['name', 'source_volume_ids'],
  'csi.v1.DeleteVolumeGroupSnapshotRequest': ['group_snapshot_id'],
  'csi.v1.GetVolumeGroupSnapshotRequest': ['group_snapshot_id'],

  'csi.v1.GetMetadataAllocatedRequest': ['snapshot_id'],
  'csi.v1.GetMetadataDeltaRequest': ['base_snapshot_id', 'target_snapshot_id'],

  'csi.v1.NodeStageVolumeRequest': ['volume_id', 'staging_target_path', 'volume_capability'],
  'csi.v1.NodeUnstageVolumeRequest': ['volume_id', 'staging_target_path'],
  'csi.v1.NodePublishVolumeRequest': ['volume_id', 'target_path', 'volume_capability'],
  'csi.v1.NodeUnpublishVolumeRequest': ['volume_id', 'target_path'],
  'csi.v1.NodeExpandVolumeRequest': ['volume_id', 'volume_path'],
  'csi.v1.NodeGetVolumeStatsRequest': ['volume_id', 'volume_path'],
  'csi.v1.NodeGetVolumeHealthRequest': ['volume_id'],
};
