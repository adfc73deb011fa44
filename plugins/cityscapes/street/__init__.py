"""Streets drawn on the spot: a road in one-point perspective and what stands along it and moves on it.

camera.py projects metres to the picture; sketch.py collects shapes, far to near; light.py colors them, paints the sky
and the grain of surfaces; solid.py turns side views into solids. Each other module draws one kind of object,
in metres, independently of the others. layout.py divides the street, scene.py builds it and traffic.py fills it, by
the chances in domains/cityscapes.yaml; source.py turns that into labelled images.
"""
