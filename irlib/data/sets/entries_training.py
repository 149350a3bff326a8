"""Catalog entries of what a training needs: faces, their ages, and the face detector."""

from irlib.data.sets.entry import DataSet

_INSIGHTFACE = "github.com/deepinsight/insightface, recognition/_datasets_"
_RESEARCH = "non-commercial research only (InsightFace's words on its training data)"
_FORMS = ("record set", "list", "image folder", "archive")  # in the order of looking


def _age_labels(key: str, title: str, file: str, place: str) -> DataSet:
    return DataSet(
        key=key,
        title=f"ages of {title}",
        role="age labels",
        what="lines `id path age gender`; ages and genders were estimated by a machine",
        owner="the authors of MTLFace (Huang, Zhang, Shan; CVPR 2021)",
        terms="none stated with the file; the images' terms hold",
        ask=f"the link in the README of github.com/Hzzone/MTLFace, file {file}",
        place=place,
        forms=("age labels",),
        unchecked=("terms", "that a machine estimated the ages"),
    )


TRAINING = (
    DataSet(
        key="casia",
        title="CASIA-WebFace",
        role="training",
        what="faces of film actors from the web, aligned crops by InsightFace",
        owner="Institute of Automation, Chinese Academy of Sciences (Yi et al., 2014)",
        terms=_RESEARCH,
        ask=f"{_INSIGHTFACE}; the owners no longer hand out the original",
        place="casia/train",
        forms=_FORMS,
        counts={
            "images": 490_623,
            "identities": 10_572,
            "identities of the original": 10_575,
            "child identities": 229,
        },
        unchecked=("that the original is withdrawn",),
    ),
    DataSet(
        key="ms1m",
        title="MS1MV2 (MS1M-ArcFace)",
        role="training",
        what="MS-Celeb-1M as InsightFace cleaned it, aligned crops",
        owner="Microsoft (Guo et al., ECCV 2016); cleaned by InsightFace (Deng et al., CVPR 2019)",
        terms=_RESEARCH,
        ask=f"{_INSIGHTFACE}, as MS1M-ArcFace; Microsoft withdrew the original",
        place="ms1m/train",
        forms=_FORMS,
        counts={"images": 5_822_653, "identities": 85_742, "child identities": 1_148},
        unchecked=("that the original is withdrawn",),
    ),
    _age_labels("casia_ages", "CASIA-WebFace", "casia-webface.txt", "casia/age-labels.txt"),
    _age_labels("ms1m_ages", "MS1MV2", "ms1m.txt", "ms1m/age-labels.txt"),
    DataSet(
        key="yunet",
        title="YuNet",
        role="detector",
        what="the face detector with five landmarks that alignment uses; an ONNX file",
        owner="Shiqi Yu (github.com/ShiqiYu/libfacedetection.train)",
        terms="Apache-2.0; the copies in OpenCV's model zoo: MIT",
        ask="the folder onnx/ of that project, file yunet_n_640_640.onnx",
        place="models",
        forms=("ONNX model",),
        counts={"bytes": 317_466},
    ),
)
